import { describe, expect, it } from 'vitest';
import { checkArguments } from '../../../../src/drivers/libvirt/arguments.js';
import { Handle, type Kind } from '../../../../src/drivers/libvirt/table.js';

const check = (kind: Kind, value: unknown) => () => checkArguments('virSomething', [kind], [value]);

const conn = new Handle('conn', 4096n);

describe('checkArguments', () => {
  const good: [Kind, unknown][] = [
    ['str', ''],
    ['str', 'ü'],
    ['str?', null],
    ['int', -0x80000000],
    ['int', 0x7fffffff],
    ['uint', 0],
    ['uint', 0xffffffff],
    ['conn', conn],
    ['uuid', Buffer.alloc(37)],
    ['int*', []],
    ['domains', []],
    ['null', null],
    ['handler', 4096n],
  ];
  it.each(good)('lets a good %s through: %o', (kind, value) => {
    expect(check(kind, value)).not.toThrow();
  });

  const bad: [Kind, unknown, string][] = [
    ['str', 'a\0b', 'a string without a NUL character'],
    ['str', 1234, 'a string'],
    ['str', null, 'a string'],
    ['str?', undefined, 'a string'],
    ['int', 0x80000000, 'an integer from -2147483648 to 2147483647'],
    ['int', 1.5, 'an integer'],
    ['int', Number.NaN, 'an integer'],
    ['int', '1', 'an integer'],
    ['uint', -1, 'an integer from 0 to 4294967295'],
    ['uint', 2 ** 32, 'an integer'],
    ['conn', 4096n, 'a conn handle'],
    ['conn', 4096, 'a conn handle'],
    ['conn', null, 'a conn handle'],
    ['domain', conn, 'a domain handle'],
    ['conn', new Handle('conn', null), 'a conn handle that is not freed yet'],
    ['uuid', Buffer.alloc(36), 'a buffer of at least 37 bytes'],
    ['int*', [1], 'an empty array'],
    ['null', 0, 'null'],
    ['handler', 0n, 'the address of a C function'],
  ];
  it.each(bad)('refuses a bad %s: %o', (kind, value, expected) => {
    expect(check(kind, value)).toThrow(`virSomething: argument 1 must be ${expected}`);
  });

  it('counts the arguments', () => {
    expect(() => checkArguments('virSomething', ['int', 'int'], [1])).toThrow('takes 2 arguments, not 1');
  });
});
