import type { NewPatient } from '../../src/index.ts';
import type { SyntheticPerson } from '../../src/synth/index.ts';

/** A synthetic person as a desk registers them. */
export function registrationOf(person: SyntheticPerson): NewPatient {
  const { firstName, middleName, lastName, dateOfBirth, gender, bloodType, email, phone, phoneSecondary } = person;
  const { addressLine1, addressLine2, city, state, zipCode, country, preferredLanguage } = person;
  return {
    firstName,
    middleName,
    lastName,
    dateOfBirth,
    gender,
    bloodType,
    email,
    phone,
    phoneSecondary,
    addressLine1,
    addressLine2,
    city,
    state,
    zipCode,
    country,
    preferredLanguage,
  };
}
