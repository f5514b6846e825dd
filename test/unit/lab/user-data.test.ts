import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { userDataFaults, withAdditions } from '../../../src/lab/user-data.js';

const OURS = { hostname: 'web', sshKeys: ['ssh-ed25519 AAAA a', 'ssh-ed25519 BBBB b'] };

describe('user data', () => {
  test('of nobody is ours alone', () => {
    expect(withAdditions(null, OURS)).toBe(
      '#cloud-config\nhostname: web\nssh_authorized_keys:\n  - ssh-ed25519 AAAA a\n  - ssh-ed25519 BBBB b\n',
    );
    expect(withAdditions(null, { hostname: 'yes', sshKeys: [] })).toBe('#cloud-config\nhostname: "yes"\n');
  });

  test('of a user stays as it is written, and ours is added where nothing is said', () => {
    const text = [
      '#cloud-config',
      '# octal, a word for true, a date, an anchor',
      'write_files: [ { path: /a, permissions: 0644 } ]',
      'package_update: yes # at once',
      'until: 2030-01-01',
      'a: &a { b: 1 }',
      'c: *a',
      'text: |',
      '  one',
      '  two',
      '',
    ].join('\n');
    expect(withAdditions(text, { hostname: 'web', sshKeys: [] })).toBe(`${text}hostname: web\n`);
  });

  test('says more than ours: its name stays, keys are joined', () => {
    const text = '#cloud-config\nfqdn: mine.example\nssh_authorized_keys:\n  - ssh-ed25519 BBBB b\n';
    expect(withAdditions(text, OURS)).toBe(
      '#cloud-config\nfqdn: mine.example\nssh_authorized_keys:\n  - ssh-ed25519 BBBB b\n  - ssh-ed25519 AAAA a\n',
    );
    expect(withAdditions('#cloud-config\nssh_authorized_keys:\n', OURS)).toContain('AAAA a');
  });

  test('that is a script comes beside ours', () => {
    const mime = withAdditions('#!/bin/sh\necho hello', OURS);
    expect(mime).toMatch(/^Content-Type: multipart\/mixed; boundary="(.+)"\nMIME-Version: 1.0\n\n--\1\n/);
    expect(mime).toContain('text/cloud-config');
    expect(mime).toContain('\n\n#!/bin/sh\necho hello\n--');
  });

  test('a second time changes nothing', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), fc.jsonValue()), data => {
        const text = `#cloud-config\n${JSON.stringify(data)}\n`;
        if (userDataFaults(text).length > 0) return;
        const once = withAdditions(text, OURS);
        expect(userDataFaults(once)).toEqual([]);
        expect(withAdditions(once, OURS)).toBe(once);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  test('of any kind is merged or refused, and no refusal quotes it', () => {
    const part = fc.constantFrom(
      'a',
      ':',
      ' ',
      '\n',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '*x',
      '&x ',
      '"',
      '\t',
      '|',
      '? ',
      '---\n',
      '%YAML 9\n',
      '!!int ',
      'geheim',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), parts => {
        const text = `#cloud-config\n${parts.join('')}`;
        const faults = userDataFaults(text);
        expect(JSON.stringify(faults)).not.toContain('geheim');
        if (faults.length === 0) expect(withAdditions(text, OURS)).toMatch(/^#cloud-config\n/);
      }),
      { numRuns: 3000, seed: 1 },
    );
  });

  test('that is nested without end is refused', () => {
    expect(userDataFaults(`#cloud-config\na: ${'['.repeat(200_000)}`)).not.toEqual([]);
  });
});
