#!/usr/bin/env node
// What dist/cli.js is once the command line is packed (scripts/bundle.mjs): loads the pack from what V8 made of it when
// it was built, which takes a third of the time of reading it. Another version of Node.js compiles it anew.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

interface Loaded {
  exports: unknown;
}

const folder = dirname(fileURLToPath(import.meta.url));
const requireOther = createRequire(import.meta.url);
const loaded = new Map<string, Loaded>();

/** A file of the pack by its name as `./NAME`; anything else as CommonJS finds it. */
function load(name: string): unknown {
  if (!name.startsWith('./')) return requireOther(name);
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const module: Loaded = { exports: {} };
  loaded.set(name, module);
  const filename = `${folder}/${name.slice(2)}`;
  const cachedData = read(`${filename}.cache`);
  const script = new Script(readFileSync(filename, 'utf8'), {
    filename,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  script.runInThisContext()(module.exports, load, module, filename, folder);
  return module.exports;
}

function read(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

load('./pack.cjs');
