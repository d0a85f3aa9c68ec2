import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript6';
import { type ErrorKind, errorFaces } from '../../src/base/errors.ts';

const root = dirname(dirname(import.meta.dirname));

/** An error code of the source, with the kinds it is raised as and what it says. */
export interface ErrorCode {
  readonly code: string;
  readonly kinds: readonly ErrorKind[];
  readonly messages: readonly string[];
}

/**
 * Finds every error code in the source by its syntax: `new AppError(kind, code, message)`, rows of translation tables
 * (`{ kind, code, message }`), findings of the preflight (`level: 'block'`), and calls of the small functions that
 * fill one of these with a code they are given.
 *
 * Throws on a code it cannot follow, so that none can be missing from the reference.
 */
export function collectErrorCodes(folder = join(root, 'src')): ErrorCode[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .sort()
    .map((file) => ts.createSourceFile(join(folder, file), readFileSync(join(folder, file), 'utf8'), ts.ScriptTarget.Latest, true));
  const found = new Map<string, { kinds: Set<ErrorKind>; messages: Set<string> }>();
  const add = (kind: string, code: string, message: string | undefined) => {
    if (!(kind in errorFaces)) throw new Error(`${code} is of the unknown kind ${kind}.`);
    const entry = found.get(code) ?? { kinds: new Set(), messages: new Set() };
    entry.kinds.add(kind as ErrorKind);
    if (message) entry.messages.add(message);
    found.set(code, entry);
  };
  const makers = new Map<string, Maker>();
  for (const file of files) {
    const raise = (raised: Raised, at: ts.Node) => {
      const kind = literal(raised.kind);
      const code = literal(raised.code);
      const message = raised.message && literal(raised.message);
      // An AppError without a message is only asked for its face.
      if (message === '') return;
      if (kind !== undefined && code !== undefined) return add(kind, code, message);
      const maker = makerOf(raised, at);
      if (maker) return void makers.set(maker.key, maker);
      // What is passed on was found where it was written.
      if (raised.code && (ts.isPropertyAccessExpression(raised.code) || ts.isShorthandPropertyAssignment(raised.code.parent))) return;
      const { line } = file.getLineAndCharacterOfPosition(at.getStart());
      throw new Error(
        `${relative(root, file.fileName)}:${line + 1} raises an error whose code cannot be read from the source. Write kind and code as literals.`,
      );
    };
    walk(file, (node) => {
      if (ts.isNewExpression(node) && node.expression.getText() === 'AppError') {
        const [kind, code, message] = node.arguments ?? [];
        raise({ kind, code, message }, node);
      }
      if (ts.isObjectLiteralExpression(node)) {
        const code = property(node, 'code');
        const level = property(node, 'level');
        const kind = property(node, 'kind') ?? (level && literal(level) === 'block' ? 'unsafe' : undefined);
        if (code && kind !== undefined && /^[A-Z][A-Z0-9_]+$/.test(literal(code) ?? 'PARAMETER')) {
          if (literal(kind) !== undefined && (literal(code) !== undefined || ts.isIdentifier(code)))
            raise({ kind, code, message: property(node, 'message') }, node);
        }
      }
    });
  }
  for (const file of files) {
    walk(file, (node) => {
      if (!ts.isCallExpression(node)) return;
      const maker = makers.get(`${file.fileName}#${node.expression.getText()}`);
      if (!maker) return;
      const at = (index: number | undefined) => (index === undefined ? undefined : literal(node.arguments[index]));
      const code = maker.code ?? at(maker.codeAt);
      const kind = maker.kind ?? at(maker.kindAt);
      if (code !== undefined && kind !== undefined) add(kind, code, at(maker.messageAt));
    });
  }
  return [...found]
    .map(([code, { kinds, messages }]) => ({ code, kinds: [...kinds].sort(), messages: [...messages] }))
    .sort((left, right) => (left.code < right.code ? -1 : 1));
}

interface Raised {
  readonly kind: ts.Expression | string | undefined;
  readonly code: ts.Expression | undefined;
  readonly message: ts.Expression | undefined;
}

/** A function that raises with a code (or kind) it is given. */
interface Maker {
  readonly key: string;
  readonly kind: string | undefined;
  readonly code: string | undefined;
  readonly kindAt: number | undefined;
  readonly codeAt: number | undefined;
  readonly messageAt: number | undefined;
}

function makerOf(raised: Raised, at: ts.Node): Maker | undefined {
  for (let node: ts.Node | undefined = at; node; node = node.parent) {
    if (!ts.isFunctionDeclaration(node) && !ts.isArrowFunction(node)) continue;
    const name = ts.isFunctionDeclaration(node) ? node.name?.text : ts.isVariableDeclaration(node.parent) ? node.parent.name.getText() : undefined;
    const indexOf = (expression: Raised['kind']) => {
      const index =
        typeof expression === 'object' && ts.isIdentifier(expression)
          ? (node as ts.FunctionDeclaration).parameters.findIndex((parameter) => parameter.name.getText() === expression.text)
          : -1;
      return index < 0 ? undefined : index;
    };
    const maker = {
      kind: literal(raised.kind),
      code: literal(raised.code),
      kindAt: indexOf(raised.kind),
      codeAt: indexOf(raised.code),
      messageAt: indexOf(raised.message),
    };
    if (name !== undefined && (maker.codeAt !== undefined || maker.kindAt !== undefined)) return { key: `${at.getSourceFile().fileName}#${name}`, ...maker };
  }
  return undefined;
}

function property(node: ts.ObjectLiteralExpression, name: string): ts.Expression | undefined {
  for (const each of node.properties) {
    if (each.name?.getText() !== name) continue;
    if (ts.isPropertyAssignment(each)) return each.initializer;
    if (ts.isShorthandPropertyAssignment(each)) return each.name;
  }
  return undefined;
}

/** The text of a string or template; what a template fills in is shown as an ellipsis. */
function literal(expression: ts.Expression | string | undefined): string | undefined {
  if (expression === undefined || typeof expression === 'string') return expression;
  if (ts.isStringLiteralLike(expression)) return expression.text;
  if (ts.isTemplateExpression(expression)) return expression.head.text + expression.templateSpans.map((span) => `…${span.literal.text}`).join('');
  return undefined;
}

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** docs/errors.md, from the source and the error table. */
export function renderErrors(codes = collectErrorCodes()): string {
  return [
    '# Errors',
    '',
    'Generated from the source by `npm run docs`. An error has a kind (what the caller may do about it) and a code (what exactly happened).',
    '',
    '## Kinds',
    '',
    '| kind | exit code | HTTP | FHIR issue | HL7 | try again | meaning |',
    '|---|---|---|---|---|---|---|',
    ...Object.entries(errorFaces).map(
      ([kind, face]) =>
        `| ${kind} | ${face.exitCode} | ${face.httpStatus} | ${face.fhirIssue} | ${face.hl7Acknowledgement} | ${face.retry} | ${face.meaning} |`,
    ),
    '',
    '## Codes',
    '',
    '| code | kind | exit code | HTTP | what it says |',
    '|---|---|---|---|---|',
    ...codes.map(
      ({ code, kinds, messages }) =>
        `| \`${code}\` | ${kinds.join(', ')} | ${faces(kinds, 'exitCode')} | ${faces(kinds, 'httpStatus')} | ${messages.map(cell).join('<br>')} |`,
    ),
    '',
  ].join('\n');
}

function faces(kinds: readonly ErrorKind[], field: 'exitCode' | 'httpStatus'): string {
  return [...new Set(kinds.map((kind) => errorFaces[kind][field]))].join(', ');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;');
}
