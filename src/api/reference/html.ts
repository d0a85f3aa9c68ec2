/** Text that is HTML already and is not escaped again. */
export interface Html {
  readonly html: string;
}

type Part = Html | string | number | undefined | readonly Part[];

/**
 * HTML in which everything that is put in is escaped, unless it is HTML itself.
 *
 * @example
 * html`<p>${'1 < 2'}</p>`.html; // <p>1 &lt; 2</p>
 */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { html: texts.map((text, index) => text + write(parts[index])).join('') };
}

function write(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'string' || typeof part === 'number') return escape(String(part));
  return 'html' in part ? part.html : part.map(write).join('');
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** A sentence of a contract; what stands in backticks is code. */
export function prose(text: string): Html {
  return { html: escape(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>') };
}
