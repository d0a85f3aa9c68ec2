export { defaultSeed, defaultToday, syntheticPeople, type SyntheticPeopleOptions } from './people.ts';
export type { SyntheticAddress, SyntheticIdentifier, SyntheticName, SyntheticPerson, SyntheticTelecom } from './synthetic-person.ts';
