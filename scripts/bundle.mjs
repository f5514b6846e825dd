// Packs the command line into few files, with V8's code for them: reading and compiling hundreds of modules would take
// longer than most of what they do. The compiled modules stay beside it, for those who use vmnet as a library.
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { rolldown } from 'rolldown';

const isPacked = file => /^(pack|chunk-.*)\.cjs(\.cache)?$/.test(file);
for (const file of readdirSync('dist'))
  if (isPacked(file) || file.startsWith('chunk-')) rmSync(`dist/${file}`);
const bundle = await rolldown({
  input: 'dist/cli.js',
  platform: 'node',
  // koffi has a part for each platform.
  external: ['koffi'],
  resolve: { conditionNames: ['node', 'import', 'default'], mainFields: ['module', 'main'] },
});
// Beside cli.js: place.ts counts on one level above the package's folder.
await bundle.write({
  dir: 'dist',
  format: 'cjs',
  entryFileNames: 'pack.cjs',
  chunkFileNames: 'chunk-[name]-[hash].cjs',
  comments: { legal: true },
});
await bundle.close();
for (const file of readdirSync('dist').filter(isPacked)) compile(`dist/${file}`);
copyFileSync('dist/launch.js', 'dist/cli.js');

/** Make a file the function that src/launch.ts calls, and keep the code of all that is in it. */
function compile(file) {
  const source = readFileSync(file, 'utf8').replace(/^#!.*/, '');
  const wrapped = `(function (exports, require, module, __filename, __dirname) {${source}\n})`;
  // In code that V8 has kept, import() does not find its way back to the loader.
  if (/^[^*/]*[^.\w]import\(/m.test(source))
    throw new Error(`${file} imports what is not packed; use require`);
  writeFileSync(file, wrapped);
  setFlagsFromString('--no-lazy');
  const script = new Script(wrapped, { filename: file });
  // V8 takes code only where its flags are the same.
  setFlagsFromString('--lazy');
  writeFileSync(`${file}.cache`, script.createCachedData());
}
