import type { IpJson } from '../drivers/iproute2.js';

// Readers for JSON of other programs: a value of another type than the expected one counts as absent.

export const string = (value: unknown): string | null => (typeof value === 'string' ? value : null);

export const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);

export const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];

export const object = (value: unknown): IpJson =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as IpJson) : {};

export const objects = (value: unknown): IpJson[] => (Array.isArray(value) ? value.map(object) : []);
