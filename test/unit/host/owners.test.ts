import { describe, expect, test } from 'vitest';
import { ownersIn, type Traces } from '../../../src/host/owners.js';

const NONE: Traces = { networkd: null, networkManager: null, ifstate: null, docker: false };

const names = (traces: Partial<Traces>) =>
  ownersIn('eth0', { ...NONE, ...traces }, []).map(({ name }) => name);

describe('who looks after an interface', () => {
  test.each<[string, Partial<Traces>, string[]]>([
    ['nobody', {}, []],
    [
      'systemd-networkd, by a file of its own',
      {
        networkd:
          'ADMIN_STATE=configured\nOPER_STATE=routable\nNETWORK_FILE=/etc/systemd/network/lan.network\n',
      },
      ['systemd-networkd'],
    ],
    [
      'systemd-networkd, by a file of netplan',
      { networkd: 'ADMIN_STATE=configured\nNETWORK_FILE=/run/systemd/network/10-netplan-eth0.network\n' },
      ['netplan', 'systemd-networkd'],
    ],
    ['systemd-networkd lets it be', { networkd: 'ADMIN_STATE=unmanaged\nOPER_STATE=routable\n' }, []],
    [
      'NetworkManager',
      { networkManager: '[device]\nmanaged=true\nconnection-uuid=6e1b\nnm-owned=0\n' },
      ['NetworkManager'],
    ],
    [
      'NetworkManager, by a file of netplan',
      { networkManager: '[device]\nmanaged=true\nconnection-uuid=6e1b\nconnection-id=netplan-eth0\n' },
      ['netplan', 'NetworkManager'],
    ],
    ['NetworkManager lets it be', { networkManager: '[device]\nmanaged=false\n' }, []],
    ['NetworkManager has no connection for it', { networkManager: '[device]\nmanaged=true\n' }, []],
    ['ifupdown', { ifstate: 'lo=lo\neth0=eth0\n' }, ['ifupdown']],
    ['ifupdown, of another', { ifstate: 'lo=lo\neth01=eth01\n' }, []],
    ['Docker', { docker: true }, ['Docker']],
  ])('%s', (_, traces, expected) => expect(names(traces)).toEqual(expected));

  test('firewalld, by its zones', () => {
    const rule = {
      where: 'nft inet table firewalld, chain filter_INPUT_ZONES, handle 7',
      text: 'iifname eth0',
      effect: 'locks-out' as const,
    };
    expect(ownersIn('eth0', NONE, [{ device: 'eth0', ...rule }])).toMatchObject([{ name: 'firewalld' }]);
    expect(ownersIn('eth0', NONE, [{ device: 'eth1', ...rule }])).toEqual([]);
  });
});
