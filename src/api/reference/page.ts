import { errorFaces } from '../../base/errors.ts';
import { curlOf } from './curl.ts';
import type { ApiDocument, ApiOperation, Content, Parameter, Reference, Response, Schema } from './document.ts';
import { type Html, html, prose } from './html.ts';
import { fieldTable, schemaLink, schemaTable } from './schema.ts';
import { script, style } from './style.ts';

interface Entry {
  readonly method: string;
  readonly path: string;
  readonly operation: ApiOperation;
}

/**
 * The reference as one page: every operation with what it takes and gives, and every shape. It loads nothing, and its style and script
 * stand in it; whoever serves it allows the two by their hashes.
 */
export function renderReference(document: ApiDocument): string {
  const groups = document.tags.map((tag) => ({ ...tag, entries: entriesOf(document).filter(({ operation }) => operation.tags.includes(tag.name)) }));
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${document.info.title} API reference</title>
<link rel="icon" href="data:,">
<style>${{ html: style }}</style>
</head>
<body>
<nav aria-label="Operations"><details open><summary>Contents</summary>
<input type="search" placeholder="Filter" aria-label="Filter operations" hidden>
${groups.map(({ name, entries }) => html`<section><strong><a href="#${tagId(name)}">${name}</a></strong><ul>${entries.map(navigationItem)}</ul></section>\n`)}<section><ul>
<li data-words="calling"><a href="#calling">Calling</a></li><li data-words="problems errors"><a href="#problems">Problems</a></li><li data-words="shapes schemas"><a href="#shapes">Shapes</a></li>
</ul></section>
</details></nav>
<main>
<h1>${document.info.title} API reference</h1>
<p class="soft">Version ${document.info.version}. <a href="/openapi.json">OpenAPI document</a></p>
<p>${prose(document.info.description)}</p>
${calling(document)}
${groups.map(({ name, description, entries }) => html`<h2 id="${tagId(name)}">${name}</h2>\n<p>${description}</p>\n${entries.map((entry) => operationArticle(entry, document))}`)}
${problems()}
<h2 id="shapes">Shapes</h2>
${Object.entries(document.components.schemas).map(
  ([name, schema]) =>
    html`<article id="schema-${name}"><h3>${name}</h3>${schema.description === undefined ? '' : html`<p>${prose(schema.description)}</p>`}${schemaTable(schema)}</article>\n`,
)}</main>
<script>${{ html: script }}</script>
</body>
</html>
`.html;
}

function entriesOf({ paths }: ApiDocument): Entry[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

function tagId(name: string): string {
  return `tag-${name.replaceAll(' ', '-')}`;
}

function navigationItem({ method, path, operation: { operationId, summary } }: Entry): Html {
  return html`<li data-words="${`${method} ${path} ${operationId} ${summary}`.toLowerCase()}"><a href="#${operationId}">${summary}</a></li>`;
}

function calling({ components }: ApiDocument): Html {
  return html`<h2 id="calling">Calling</h2>
${Object.entries(components.securitySchemes).map(([name, { description }]) => html`<p><code>${name}</code>: ${prose(description)}</p>\n`)}<p>The lines below take the address and the key from the environment:</p>
<pre>export ONECHART_URL=http://127.0.0.1:8080
export ONECHART_KEY=$(onechart keys create --name reference --role NURSE)</pre>`;
}

function operationArticle({ method, path, operation }: Entry, document: ApiDocument): Html {
  const { operationId, summary, description, parameters = [], requestBody, responses, security } = operation;
  const scope = operation['x-onechart-scope'];
  return html`<article id="${operationId}">
<h3><a href="#${operationId}">${summary}</a></h3>
<p class="route"><span class="method">${method}</span> <code>${path}</code></p>
${description === undefined ? '' : html`<p>${prose(description)}</p>`}
<p class="soft"><code>${operationId}</code>, ${security.length === 0 ? 'open to everybody' : scope === undefined ? 'for whoever is signed in' : html`needs the scope <code>${scope}</code>`}</p>
${parameters.length === 0 ? '' : html`<h4>Parameters</h4>${parameterTable(parameters)}`}
${requestBody === undefined ? '' : html`<h4>Body</h4>${requestBody.description === undefined ? '' : html`<p>${prose(requestBody.description)}</p>`}${bodyOf(requestBody.content, document)}`}
<h4>Answers</h4>
<div class="scroll"><table><tbody>
${Object.entries(responses).map(([status, response]) => answerRow(status, response))}</tbody></table></div>
<h4>Example</h4>
<pre>${curlOf(method, path, operation)}</pre>
</article>
`;
}

function parameterTable(parameters: readonly Parameter[]): Html {
  const places = { path: 'In the path.', query: 'In the query.', header: 'A header.' } as const;
  return fieldTable(
    parameters.map(({ name, in: place, required = false, description, schema }) => ({
      name,
      required,
      schema: { ...schema, description: description === undefined ? places[place] : `${description} ${places[place]}` },
    })),
  );
}

function bodyOf(content: Content, { components }: ApiDocument): Html {
  const types = Object.keys(content).map((type, index) => html`${index === 0 ? '' : ', '}<code>${type}</code>`);
  // Of several types all have the same fields.
  const schema = Object.values(content)[0]?.schema;
  return html`<p class="soft">${types}</p>${schema === undefined ? '' : fieldsOf(schema, components.schemas)}`;
}

/** The fields themselves; those of a shape with a name are folded, because a shape may have many. */
function fieldsOf(schema: Schema, schemas: ApiDocument['components']['schemas']): Html {
  const name = schema.$ref?.slice(schema.$ref.lastIndexOf('/') + 1) ?? '';
  const named = schemas[name];
  return named === undefined ? schemaTable(schema) : html`<details><summary>${name}</summary>${schemaTable(named)}</details>`;
}

function answerRow(status: string, response: Response | Reference): Html {
  if ('$ref' in response)
    return html`<tr><td><code>${status === 'default' ? 'others' : status}</code></td><td><a href="#problems">${faceOf(status)}</a></td></tr>\n`;
  const { description, content = {}, headers = {} } = response;
  return html`<tr><td><code>${status}</code></td><td>${prose(description)} ${Object.entries(content).map(([type, { schema }]) =>
    schema === undefined
      ? html`<code>${type}</code>`
      : schema.$ref !== undefined
        ? html`${type === 'application/json' ? '' : html`<code>${type}</code> `}${schemaLink(schema.$ref)}`
        : schemaTable(schema),
  )}${Object.entries(headers).map(([name, header]) => html`<br><small><code>${name}</code> ${header.description}</small>`)}</td></tr>\n`;
}

function faceOf(status: string): string {
  return Object.values(errorFaces).find(({ httpStatus }) => String(httpStatus) === status)?.meaning ?? 'Any other problem.';
}

function problems(): Html {
  const retries = { never: 'do not repeat', 'after-change': 'change the request', later: 'repeat it later' } as const;
  return html`<h2 id="problems">Problems</h2>
<p>Every error is a ${schemaLink('Problem')} as <code>application/problem+json</code>. Decide by its <code>code</code>; it says exactly what happened and stays the same between versions. Its <code>kind</code> says what can be done about it:</p>
<div class="scroll"><table><thead><tr><th>Status</th><th>Kind</th><th>Meaning</th><th>What to do</th></tr></thead><tbody>
${Object.entries(errorFaces).map(([kind, { httpStatus, meaning, retry }]) => html`<tr><td><code>${httpStatus}</code></td><td><code>${kind}</code></td><td>${meaning}</td><td>${retries[retry]}</td></tr>\n`)}</tbody></table></div>`;
}

/** What a browser finds at the address of the server. */
export function renderStart(info: ApiDocument['info']): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title}</title>
<link rel="icon" href="data:,">
<style>${{ html: style }}</style>
</head>
<body class="plain">
<main>
<h1>${info.title}</h1>
<p class="soft">Version ${info.version}</p>
<ul>
<li><a href="/docs">API reference</a></li>
<li><a href="/openapi.json">OpenAPI document</a></li>
<li><a href="/health/ready">Whether requests can be served</a></li>
</ul>
</main>
</body>
</html>
`.html;
}
