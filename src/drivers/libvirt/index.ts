export { ERROR_CODES } from './codes.js';
export { LibvirtError } from './errors.js';
export { Hypervisor, type OpenOptions } from './hypervisor.js';
export type { CallOptions } from './pool.js';
export type {
  Affect,
  CapabilitiesQuery,
  DomainEntry,
  DomainState,
  DomainStateName,
  GuestInterface,
  NetworkEntry,
  Versions,
  XmlOptions,
} from './protocol.js';
