// Packs the command line into few files: reading hundreds of modules would take longer than most of what they do.
// The compiled modules stay beside it, for those who use vmnet as a library.
import { readdirSync, rmSync } from 'node:fs';
import { rolldown } from 'rolldown';

for (const file of readdirSync('dist')) if (file.startsWith('chunk-')) rmSync(`dist/${file}`);
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
  entryFileNames: 'cli.js',
  chunkFileNames: 'chunk-[name]-[hash].js',
  comments: { legal: true },
});
await bundle.close();
