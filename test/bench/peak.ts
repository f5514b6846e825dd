import type { Box } from '../support/box.js';
import { vmnet } from './measure.js';

/** The most memory that a run of vmnet itself had at once, in MB. */
export async function peakMegabytes(box: Box, ...words: string[]): Promise<number> {
  const file = `${box.folder}/peak`;
  const noted = `import{writeFileSync}from'node:fs';process.on('exit',()=>writeFileSync(${JSON.stringify(file)},String(process.resourceUsage().maxRSS)))`;
  const [node = '', ...args] = vmnet(...words);
  await box.run(node, `--import=data:text/javascript,${encodeURIComponent(noted)}`, ...args);
  return Math.round(Number(await box.run('cat', file)) / 1024);
}
