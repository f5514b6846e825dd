import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseLab } from '../../../src/lab/parse.js';
import { problemLine } from '../../../src/lab/problem.js';

const FOLDER = new URL('../../fixtures/lab/', import.meta.url);
const CASES = readdirSync(FOLDER);

/** Files named `missing…` are not there; everything else is. */
const checkFile = (path: string) => (basename(path).startsWith('missing') ? 'does not exist' : null);

const read = (name: string, file: string) => readFileSync(new URL(`${name}/${file}`, FOLDER), 'utf8');

/** What expected.json holds: the lab, or one line for each problem. */
function outcome(text: string): unknown {
  const { lab, problems } = parseLab(text, '/labs/lab.json', { checkFile });
  return lab === null ? { problems: problems.map(problemLine) } : { lab };
}

describe('lab files', () => {
  test('there are cases', () => expect(CASES.length).toBeGreaterThan(40));

  test.each(CASES)('%s', name => {
    expect(readdirSync(new URL(`${name}/`, FOLDER)).sort()).toEqual(['expected.json', 'lab.json']);
    expect(outcome(read(name, 'lab.json'))).toEqual(JSON.parse(read(name, 'expected.json')));
  });
});
