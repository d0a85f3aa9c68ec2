-- AlterEnum
ALTER TYPE "BookingState" ADD VALUE 'CANCELLED'; -- finds: enum-value-without-place
