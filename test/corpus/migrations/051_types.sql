CREATE TABLE "measurements" (
    "id" SERIAL NOT NULL, -- finds: int-may-overflow, serial-type
    "unit" CHAR(3) NOT NULL, -- finds: char-type
    "label" VARCHAR(20), -- finds: varchar-limit
    "value" INTEGER, -- finds: int-may-overflow
    "grade" SMALLINT, -- finds: smallint-may-overflow
    "takenAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, -- finds: timestamp-without-time-zone
    CONSTRAINT "measurements_pkey" PRIMARY KEY ("id")
);
