import { type Setting, settingList } from '../../src/settings/setting-list.ts';

/** docs/configuration.md, from the schema of the settings. */
export function renderConfiguration(): string {
  const sections = Map.groupBy(settingList, ({ key }) => key.slice(0, key.lastIndexOf('.')));
  return [
    '# Configuration',
    '',
    'Generated from the schema of the settings by `npm run docs`.',
    '',
    'A value comes from its default, from a file, from the environment or from a flag; each wins over those before it. `onechart config show` prints the effective values and where each came from, without secrets; `onechart config check` says what is wrong, all of it at once, and exits with 64. `onechart serve` refuses to start with a wrong configuration.',
    '',
    '- **File**: `--config`, else `ONECHART_CONFIG`, else `onechart.config.json`, `onechart.config.yaml` or `onechart.config.yml` in the current folder. Sections nest as the dots of the keys do. A path in it counts from its folder.',
    '- **Environment**: the variable of each setting, below. Lists are separated by commas or written as JSON, records as JSON. `DATABASE_URL` is taken as `database.url`; `ONECHART_DATABASE_URL` wins over it.',
    '- **Secrets from files**: a setting marked *secret* can also be read from a file that its variable with `_FILE` names, as Docker and Kubernetes hand them over.',
    '- **Flags**: `--set key=value` for every setting, and `--database-url`, `--schema`, `--host`, `--port` and `--log-level`.',
    '',
    '```yaml',
    'server:',
    '  host: 0.0.0.0',
    '  tlsCertificateFile: tls/fullchain.pem',
    '  tlsKeyFile: tls/key.pem',
    'facility:',
    '  timeZone: Africa/Nairobi',
    '  defaultCountry: KE',
    'access:',
    '  session:',
    '    idleMinutes: 15',
    '```',
    '',
    ...[...sections].flatMap(([section, settings]) => [
      `## ${section}`,
      '',
      '| setting | variable | takes | default | meaning |',
      '|---|---|---|---|---|',
      ...settings.map((setting) => row(setting)),
      '',
    ]),
  ].join('\n');
}

function row({ key, variable, takes, fallback, secret, description }: Setting): string {
  const shown = fallback === undefined ? '' : `\`${typeof fallback === 'string' ? fallback : JSON.stringify(fallback)}\``;
  return `| \`${key}\` | \`${variable}\` | ${secret ? 'secret; ' : ''}${cell(takes)} | ${shown} | ${cell(description)} |`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
