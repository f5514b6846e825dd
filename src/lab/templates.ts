import { readdirSync, readFileSync } from 'node:fs';
import { VmnetError } from '../errors.js';
import { TEMPLATES } from '../place.js';
import { quote } from './quote.js';
import { didYouMean } from './suggest.js';

const FOLDER = new URL('labs/', TEMPLATES);

/** A starter lab for `vmnet init`. */
export interface Template {
  readonly name: string;
  /** The first line of the file, a comment. */
  readonly description: string;
}

/** The starter labs by name. */
export function listTemplates(): Template[] {
  return templateNames().map(name => ({ name, description: descriptionOf(templateText(name)) }));
}

/**
 * The text of a starter lab, comments and all.
 * @throws {VmnetError} `usage` if there is none of that name
 */
export function readTemplate(name: string): string {
  const names = templateNames();
  if (names.includes(name)) return templateText(name);
  throw new VmnetError('usage', `there is no template ${quote(name)}`, didYouMean(name, names, 'there are'));
}

const templateNames = () =>
  readdirSync(FOLDER)
    .filter(file => file.endsWith('.json'))
    .map(file => file.slice(0, -'.json'.length))
    .sort();

const templateText = (name: string) => readFileSync(new URL(`${name}.json`, FOLDER), 'utf8');

const descriptionOf = (text: string) => /^\/\/ *(.*)/.exec(text)?.[1]?.trim() ?? '';
