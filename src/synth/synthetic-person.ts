/** What a run makes: nearest to what `patientRepository.create`, `addName`, `addAddress`, `addTelecom` and `addIdentifier` take. */

export interface SyntheticName {
  readonly use: 'FORMER' | 'MAIDEN' | 'ALIAS' | 'NICKNAME' | 'TRANSCRIPTION';
  readonly firstName: string | null;
  readonly middleName: string | null;
  readonly lastName: string;
  readonly script: string | null;
  readonly language: string | null;
  readonly periodStart: string | null;
  readonly periodEnd: string | null;
}

export interface SyntheticPlace {
  readonly addressLine1: string | null;
  readonly addressLine2: string | null;
  readonly city: string | null;
  readonly state: string | null;
  readonly zipCode: string | null;
  readonly country: string | null;
}

export interface SyntheticAddress extends SyntheticPlace {
  readonly use: 'FORMER';
  readonly periodStart: string | null;
  readonly periodEnd: string | null;
}

export interface SyntheticTelecom {
  readonly system: 'PHONE' | 'EMAIL';
  readonly use: 'FORMER' | 'WORK';
  readonly value: string;
  readonly periodEnd: string | null;
}

export interface SyntheticIdentifier {
  readonly type: string;
  readonly system: string;
  readonly value: string;
}

/** A made-up person with one chart. Nobody's numbers, addresses or mail: see docs/adr/0060. */
export interface SyntheticPerson extends SyntheticPlace {
  /** Names the chart within its run: `P00000001`; a second chart of the same person gets a number of its own. */
  readonly reference: string;
  /** Who lives together has the same one. */
  readonly household: string;
  readonly firstName: string | null;
  readonly middleName: string | null;
  readonly lastName: string;
  readonly dateOfBirth: string | null;
  readonly dateOfBirthPrecision: 'MONTH' | 'YEAR' | 'ESTIMATED' | null;
  readonly sexAtBirth: 'MALE' | 'FEMALE';
  readonly gender: 'MALE' | 'FEMALE' | 'OTHER' | 'UNKNOWN' | null;
  readonly bloodType: 'A+' | 'A-' | 'B+' | 'B-' | 'AB+' | 'AB-' | 'O+' | 'O-' | null;
  readonly phone: string | null;
  readonly phoneSecondary: string | null;
  readonly email: string | null;
  readonly preferredLanguage: string | null;
  /** `reference` of the mother's chart, where she has one in this run. */
  readonly motherReference: string | null;
  readonly birthOrder: number | null;
  readonly multipleBirthCount: number | null;
  /** An instant, as `markDeceased` takes it; null for the living. */
  readonly deceasedAt: string | null;
  readonly names: readonly SyntheticName[];
  readonly addresses: readonly SyntheticAddress[];
  readonly telecoms: readonly SyntheticTelecom[];
  readonly identifiers: readonly SyntheticIdentifier[];
}
