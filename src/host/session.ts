export type { Session } from '../drivers/session.js';
