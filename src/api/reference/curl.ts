import type { ApiOperation, Parameter, Schema } from './document.ts';

/** A call of the operation that a shell runs once ONECHART_URL and ONECHART_KEY are set. */
export function curlOf(method: string, path: string, operation: ApiOperation): string {
  const { parameters = [], requestBody, security } = operation;
  const query = parameters.filter((each) => each.in === 'query' && each.required).map(({ name, schema }) => `${name}=${encodeURIComponent(sampleOf(schema))}`);
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(sampleOf(parameters.find((each) => each.name === name)?.schema ?? {})));
  const [type, content] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  const lines = [
    `curl ${method === 'GET' ? '' : `-X ${method} `}"$ONECHART_URL${filled}${query.length > 0 ? `?${query.join('&')}` : ''}"`,
    ...(security.length > 0 ? ['-H "Authorization: Bearer $ONECHART_KEY"'] : []),
    ...parameters.flatMap(headerOf),
    ...(type === undefined ? [] : [`-H ${quoted(`Content-Type: ${type}`)}`]),
    ...(type === undefined ? [] : [type.endsWith('json') ? `-d ${quoted(JSON.stringify(content?.example ?? {}, null, 2))}` : '--data-binary @file']),
  ];
  return lines.join(' \\\n  ');
}

function headerOf(parameter: Parameter): string[] {
  if (parameter.in !== 'header') return [];
  if (parameter.name === 'Idempotency-Key') return ['-H "Idempotency-Key: $(uuidgen)"'];
  return parameter.required ? [`-H ${quoted(`${parameter.name}: ${sampleOf(parameter.schema)}`)}`] : [];
}

function sampleOf({ examples, enum: values, format }: Schema): string {
  const [sample] = [...(examples ?? []), ...(values ?? [])];
  if (typeof sample === 'string') return sample;
  return format === 'date-time' ? '2026-03-01T12:00:00Z' : '0190b6b2-6d0f-7c3a-9c6e-000000000001';
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
