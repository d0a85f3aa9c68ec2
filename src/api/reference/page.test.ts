import { expect, test } from 'vitest';
import { openApiDocument } from '../openapi.ts';
import { routes } from '../routes.ts';
import type { ApiDocument } from './document.ts';
import { html } from './html.ts';
import { renderReference } from './page.ts';

const document = openApiDocument(routes, '1.0.0') as unknown as ApiDocument;
const page = renderReference(document);
const found = (pattern: RegExp) => [...page.matchAll(pattern)].map(([, text]) => text ?? '');

test('every operation and every shape is on the page, once', () => {
  const ids = found(/<article id="([^"]+)"/g);
  expect(ids.toSorted()).toEqual(
    [...routes.map(({ operationId }) => operationId), ...Object.keys(document.components.schemas).map((name) => `schema-${name}`)].toSorted(),
  );
});

test('every operation shows its route, who may call it, and a line to run', () => {
  const articles = new Map(page.split('<article id="').map((text) => [text.slice(0, text.indexOf('"')), text]));
  for (const { operationId, path, method, access } of routes) {
    const article = articles.get(operationId) ?? '';
    expect(article, operationId).toContain(`<span class="method">${method}</span> <code>${path}</code>`);
    expect(article, operationId).toContain(access === 'public' ? 'open to everybody' : access === 'signed-in' ? 'whoever is signed in' : access);
    expect(article, operationId).toMatch(/<pre>curl .*\$ONECHART_URL\//);
    expect(article, operationId).not.toContain('undefined');
  }
});

test('every link leads somewhere, and nothing is loaded', () => {
  const ids = new Set(found(/ id="([^"]+)"/g));
  const links = found(/ href="([^"]+)"/g);
  expect(links.length).toBeGreaterThan(200);
  expect(links.filter((link) => !(link.startsWith('#') ? ids.has(link.slice(1)) : link === 'data:,' || link === '/openapi.json'))).toEqual([]);
  expect(page).not.toMatch(/<[^>]+ (src|style|on\w+)=|url\(|@import/);
});

test('what comes from a description cannot become markup', () => {
  expect(html`<p>${'<script>"&\''}</p>`.html).toBe('<p>&lt;script&gt;&quot;&amp;&#39;</p>');
});

test('types and limits are in words', () => {
  const shape = page.split('<article id="schema-NewPatient"')[1]?.split('</article>')[0] ?? '';
  const row = (name: string) =>
    [...shape.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, text]) => text ?? '').find((text) => text.includes(`<code>${name}</code>`)) ?? '';
  const words = (name: string) =>
    row(name)
      .replaceAll(/<[^>]+>/g, ' ')
      .replaceAll(/\s+/g, ' ')
      .trim();
  expect(words('lastName')).toBe('lastName required string Family name, or the single name. 1 to 100 characters, no control characters.');
  expect(words('phone')).toBe('phone string or null 1 to 50 characters, no control characters, with digits. Such as +254201234567 .');
  expect(words('gender')).toBe('gender MALE or FEMALE or OTHER or UNKNOWN or null');
  expect(words('birthOrder')).toContain('integer or null Which of several born together: 1 is the first. 1 to 20.');
});
