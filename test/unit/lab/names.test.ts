import { describe, expect, test } from 'vitest';
import { bridgeMac, domainUuid, nicMac, tapName } from '../../../src/lab/names.js';

const none = () => new Set<string>();

describe('derived names', () => {
  // These are on users' hosts and in their DHCP servers: a change here changes every guest's identity.
  test('stay what they are', () => {
    expect(nicMac('homelab', 'web', 0, none())).toBe('52:54:00:ec:27:ea');
    expect(tapName('homelab', 'web', 0, none())).toBe('web-mhkl64');
    expect(bridgeMac('homelab', 'br0', none())).toBe('02:e4:42:0a:89:5e');
    expect(domainUuid('homelab', 'web')).toBe('4320a6c6-d229-53c0-8871-11d006282afb');
  });

  test('depend on every part', () => {
    const macs = [
      nicMac('a', 'b', 0, none()),
      nicMac('a', 'b', 1, none()),
      nicMac('a', 'c', 0, none()),
      nicMac('b', 'b', 0, none()),
      nicMac('a', 'b-0', 0, none()),
    ];
    expect(new Set(macs).size).toBe(macs.length);
  });

  test('step aside for what is taken, always in the same way', () => {
    const taken = () => new Set(['52:54:00:ec:27:ea', 'web-mhkl64']);
    expect(nicMac('homelab', 'web', 0, taken())).not.toBe('52:54:00:ec:27:ea');
    expect(nicMac('homelab', 'web', 0, taken())).toBe(nicMac('homelab', 'web', 0, taken()));
    expect(tapName('homelab', 'web', 0, taken())).not.toBe('web-mhkl64');
  });

  test('take what they give', () => {
    const taken = none();
    expect(nicMac('l', 'v', 0, taken)).not.toBe(nicMac('l', 'v', 0, taken));
    expect(taken.size).toBe(2);
  });

  test('are taps that libvirt leaves alone', () => {
    for (const vm of ['vnet', 'vnet0', 'vif', 'macvtap1', 'macvlan1', 'v', 'a-very-long-name-of-a-vm']) {
      const tap = tapName('l', vm, 0, none());
      expect(tap).toMatch(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/);
      expect(tap).not.toMatch(/^(vnet|vif|macvtap|macvlan)/);
    }
  });

  test('are taps that ip(8) never takes for an index', () => {
    for (const vm of ['if2', 'if', 'if-3', 'if0x', 'iface'])
      expect(tapName('l', vm, 0, none())).not.toMatch(/^if-?[0-9]/);
    expect(tapName('l', 'iface', 0, none())).toMatch(/^iface-/);
  });

  test('are UUIDs of version 5', () => {
    expect(domainUuid('a', 'b')).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });
});
