/** The package's own folder: a level above src/ when it is tested, and above dist/ when it runs, bundled or not. */
export const PACKAGE = new URL('..', import.meta.url);

/** Templates of XML, guests, sandboxes and labs. */
export const TEMPLATES = new URL('templates/', PACKAGE);

/** The command line's own file, for processes that run vmnet again. */
export const CLI = new URL('dist/cli.js', PACKAGE);
