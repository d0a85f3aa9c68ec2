// The architecture as rules; ARCHITECTURE.md says why. test/contract/architecture.test.ts proves that each one fires.

const tests = '\\.test\\.ts$';
const features =
  'recovery|patient|document|export|identifier|matching|merge|review|audit|outbox|access|idempotency|synth|downtime|metrics|search|import|events';
const edges = 'http|intake|jobs|cli|start';
/** Packages that talk to a database; types of theirs may be named anywhere. */
const sqlPackages = 'node_modules/(kysely|pg|pg-copy-streams)/';
const notTypes = { dependencyTypesNot: ['type-only'] };
const rule = (sentence, from, to) => ({ name: sentence, severity: 'error', from, to });

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    rule(
      '1 Imports point down, never up, never in circles: no circles',
      { pathNot: tests },
      { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    ),
    rule('1 Imports point down, never up, never in circles: base', { path: '^src/base/', pathNot: tests }, { path: '^src/', pathNot: '^src/base/' }),
    rule(
      '1 Imports point down, never up, never in circles: db and embedded',
      { path: '^src/(db|embedded)/', pathNot: tests },
      { path: '^src/', pathNot: '^src/(base|db|embedded)/' },
    ),
    rule('1 Imports point down, never up, never in circles: paper', { path: '^src/paper/', pathNot: tests }, { path: '^src/', pathNot: '^src/(paper|base)/' }),
    rule(
      '1 Imports point down, never up, never in circles: features',
      { path: `^src/(${features})/`, pathNot: tests },
      { path: `^src/(api|fhir|hl7v2|${edges})/` },
    ),
    rule('1 Imports point down, never up, never in circles: translators', { path: '^src/(fhir|hl7v2)/', pathNot: tests }, { path: `^src/(${edges})/` }),
    rule(
      '2 SQL lives in *.store.ts, db/ and migrate/, nowhere else',
      { path: '^src/', pathNot: `\\.store\\.ts$|^src/(db|migrate|embedded|start)/|${tests}` },
      { path: sqlPackages, ...notTypes },
    ),
    rule('3 Only services call stores', { path: '^src/', pathNot: `\\.(service|store)\\.ts$|${tests}` }, { path: '\\.store\\.ts$', ...notTypes }),
    rule('3 Only services call stores: a store knows no other store', { path: '\\.store\\.ts$' }, { path: '\\.store\\.ts$' }),
    rule(
      '4 Schemas and api/ import zod, base/ and each other only',
      { path: '\\.schema\\.ts$|^src/api/', pathNot: tests },
      { pathNot: 'node_modules/zod/|^src/base/|\\.schema\\.ts$|^src/api/' },
    ),
    rule(
      '5 Files without a role suffix in a feature are pure: no I/O, no clock, no randomness',
      { path: `^src/(${features})/`, pathNot: `\\.(schema|store|service)\\.ts$|-repository\\.ts$|${tests}` },
      {
        path: `${sqlPackages}|\\.(store|service)\\.ts$|^src/(db|embedded|migrate)/|^src/base/(clock|ids|log|config)\\.ts$|^(node:)?(fs|net|http|https|os|child_process|worker_threads|timers)(/|$)`,
        ...notTypes,
      },
    ),
    rule(
      '6 fhir/ and hl7v2/ are pure',
      { path: '^src/(fhir|hl7v2)/', pathNot: tests },
      { path: `${sqlPackages}|\\.(store|service)\\.ts$|^src/(db|embedded|migrate)/|^(node:)?(fs|net|http|https|os|child_process|worker_threads|timers)(/|$)` },
    ),
    rule('7 Edges import services, never stores, never each other: no stores', { path: `^src/(${edges})/`, pathNot: tests }, { path: '\\.store\\.ts$' }),
    // Two places put edges together: the command that serves, and `npm start`, which is the whole product in one process.
    ...edges
      .split('|')
      .filter((edge) => edge !== 'start')
      .map((edge) =>
        rule(
          `7 Edges import services, never stores, never each other: ${edge}`,
          { path: `^src/${edge}/`, pathNot: `^src/cli/commands/serve\\.ts$|${tests}` },
          { path: `^src/(${edges})/`, pathNot: `^src/${edge}/` },
        ),
      ),
    rule('8 web/ imports schemas and api/ only', { path: '^web/' }, { path: '^(src|sample-ehr|test|bench)/', pathNot: '\\.schema\\.ts$|^src/api/' }),
    rule(
      '8 client/ imports api/, schemas and base/ only',
      { path: '^src/client/', pathNot: tests },
      { path: '^(src|sample-ehr|test|bench|web)/', pathNot: '\\.schema\\.ts$|^src/(api|base|client)/' },
    ),
    rule(
      '9 migrate/ imports base/ only, so that it can become a package of its own',
      { path: '^src/migrate/', pathNot: tests },
      { path: '^(src|sample-ehr|test|bench)/', pathNot: '^src/(migrate|base)/' },
    ),
    rule('10 embedded/ imports base/ only', { path: '^src/embedded/', pathNot: tests }, { path: '^src/', pathNot: '^src/(embedded|base)/' }),
    rule(
      '11 The product imports nothing of sample-ehr/, test/ and bench/; npm start alone builds the sample EHR',
      { path: '^src/', pathNot: `^src/start/|${tests}` },
      { path: '^(sample-ehr|test|bench|scripts)/' },
    ),
    rule('12 What ships imports no development dependency', { path: '^src/', pathNot: `^src/start/|${tests}` }, { dependencyTypes: ['npm-dev'] }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
