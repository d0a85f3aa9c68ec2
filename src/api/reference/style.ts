/** The whole appearance of the reference page. It stands in the page itself, and the policy of the page names its hash. */
export const style = `
:root { color-scheme: light dark; --text: #1c2024; --soft: #5b6470; --line: #d9dee4; --back: #fff; --box: #f4f6f8; --link: #0b57b0; --mark: #8a3b00; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e8ec; --soft: #9aa5b1; --line: #333b44; --back: #14181c; --box: #1d2329; --link: #7ab7ff; --mark: #f0a868; }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
code, pre { font: 0.875em/1.5 ui-monospace, SFMono-Regular, Consolas, monospace; overflow-wrap: anywhere; }
pre { margin: 0.5rem 0; padding: 0.75rem 1rem; background: var(--box); border: 1px solid var(--line); border-radius: 6px; white-space: pre-wrap; }
h1 { margin: 0 0 0.25rem; font-size: 1.75rem; }
h2 { margin: 3rem 0 0.25rem; font-size: 1.375rem; }
h3 { margin: 0; font-size: 1.0625rem; }
h4 { margin: 1rem 0 0.25rem; font-size: 0.9375rem; }
p { margin: 0.25rem 0 0.5rem; max-width: 46rem; }
small, .soft { color: var(--soft); font-size: 0.875rem; }
b { color: var(--mark); font-weight: 500; font-size: 0.875rem; }
nav { padding: 1rem; background: var(--box); border-bottom: 1px solid var(--line); }
nav ul { list-style: none; margin: 0 0 0.75rem; padding: 0; }
nav li { padding: 0.125rem 0; font-size: 0.875rem; }
nav strong { font-size: 0.875rem; }
nav summary { color: inherit; font-weight: 600; }
nav input { width: 100%; margin: 0.5rem 0 0.75rem; padding: 0.375rem 0.5rem; font: inherit; color: inherit; background: var(--back); border: 1px solid var(--line); border-radius: 6px; }
main { padding: 1rem; min-width: 0; max-width: 64rem; }
article { margin: 1rem 0; padding: 1rem; border: 1px solid var(--line); border-radius: 6px; }
article:target { border-color: var(--link); }
.route { margin: 0.25rem 0; }
.method { display: inline-block; min-width: 3.25rem; font: 600 0.75rem/1.5 ui-monospace, SFMono-Regular, Consolas, monospace; color: var(--soft); }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 0.875rem; }
th, td { padding: 0.375rem 0.75rem 0.375rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 500; }
summary { cursor: pointer; color: var(--link); }
[hidden] { display: none; }
@media (max-width: 40rem) {
  thead { display: none; }
  td { display: block; padding: 0 0 0.125rem; border: 0; }
  tr { display: block; padding: 0.375rem 0; border-bottom: 1px solid var(--line); }
}
@media (min-width: 40rem) {
  td:first-child { min-width: 9rem; }
  td:first-child code { white-space: nowrap; }
  td:nth-child(2):not(:last-child) { min-width: 8rem; }
}
@media (min-width: 60rem) {
  body:not(.plain) { display: grid; grid-template-columns: 19rem 1fr; }
  nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; border-bottom: 0; border-right: 1px solid var(--line); }
  main { padding: 2rem; }
}
@media print { nav { display: none; } body { display: block; } article { break-inside: avoid; } }
`;

/** Narrows the list of operations to what is typed; without it the page is whole all the same. A wide window shows the list from the start. */
export const script = `
const contents = document.querySelector('nav details');
contents.open = matchMedia('(min-width: 60rem)').matches;
const field = document.querySelector('nav input');
field.hidden = false;
field.addEventListener('input', () => {
  const words = field.value.toLowerCase().split(/\\s+/);
  for (const group of document.querySelectorAll('nav section')) {
    const items = [...group.querySelectorAll('li')];
    for (const item of items) item.hidden = !words.every((word) => item.dataset.words.includes(word));
    group.hidden = items.every((item) => item.hidden);
  }
});
`;
