export { type SyntheticChart, syntheticCharts, type SyntheticChartsOptions } from './charts.ts';
export { defaultSeed, defaultToday, syntheticPeople, type SyntheticPeopleOptions } from './people.ts';
export { csvHeader, csvLine, ndjsonLine, rowOf, truthHeader, truthLine } from './rows.ts';
export { type Scenario, scenarios } from './second-chart.ts';
export type { SyntheticAddress, SyntheticIdentifier, SyntheticName, SyntheticPerson, SyntheticTelecom } from './synthetic-person.ts';
