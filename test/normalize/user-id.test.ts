import { describe, expect, it } from 'vitest';
import { isPersonal, opaqueUser } from '../../src/normalize/user-id.ts';

// Behaviour 2: what looks like an e-mail address or phone number is sent as a hash.
describe('the end user stays opaque', () => {
  it.each([
    'ada@example.org',
    ' ada.lovelace+x@mail.example.org ',
    'ada@localhost',
    '+49 170 1234567',
    '(555) 123-4567',
    '555-1234567',
    '5551234567',
    '+1.555.123.4567',
  ])('%j names a person', (value) => {
    expect(isPersonal(value)).toBe(true);
    expect(opaqueUser(value)).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each(['user-123', 'u_42', '12345', '550e8400-e29b-41d4-a716-446655440000', 'team@', '@handle', 'a b@c'])(
    '%j is an id and goes as it is',
    (value) => {
      expect(opaqueUser(value)).toBe(value);
    },
  );

  it('the same person has the same hash, another one another', () => {
    expect(opaqueUser('ada@example.org')).toBe(opaqueUser('ada@example.org'));
    expect(opaqueUser('ada@example.org')).not.toBe(opaqueUser('bob@example.org'));
  });

  it('an id longer than the upstream takes is a hash rather than an upstream 400', () => {
    expect(opaqueUser('x'.repeat(257))).toHaveLength(64);
    expect(opaqueUser('x'.repeat(256))).toHaveLength(256);
  });

  it('a long input does not stall the server', () => {
    const start = performance.now();
    isPersonal(`${'a@'.repeat(100_000)}`);
    isPersonal(`${'1 '.repeat(100_000)}x`);
    expect(performance.now() - start).toBeLessThan(500);
  });
});
