import type { Drivers } from '../drivers/drivers.js';

/** What a program prints; nothing where it is not installed, for then there is nothing of its kind. */
export const printed = (drivers: Pick<Drivers, 'run'>, program: string, ...args: string[]): Promise<string> =>
  drivers.run(program, args, { allowFailure: true }).then(
    ({ stdout }) => stdout,
    () => '',
  );
