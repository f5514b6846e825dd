import type { Box } from './box.js';

/** What Docker leaves in the filter table: what it does not know is dropped. */
export async function likeDocker(box: Box, program: string): Promise<void> {
  const words = [
    '-N DOCKER-USER',
    '-A DOCKER-USER -j RETURN',
    '-A FORWARD -j DOCKER-USER',
    '-P FORWARD DROP',
  ];
  for (const line of words) await box.run(program, ...line.split(' '));
}
