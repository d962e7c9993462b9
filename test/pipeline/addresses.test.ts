import { describe, expect, it } from 'vitest';
import { createAddressCheck, routable } from '../../src/pipeline/addresses.ts';

const forbidden: Record<string, readonly string[]> = {
  unspecified: ['0.0.0.0', '0.1.2.3', '::'],
  loopback: ['127.0.0.1', '127.255.255.254', '::1'],
  private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fd12:3456::1', 'fec0::1'],
  'link-local': ['169.254.0.1', 'fe80::1', 'fe80::1%eth0'],
  'carrier-grade NAT': ['100.64.0.1', '100.127.255.255'],
  metadata: [
    '169.254.169.254',
    '169.254.170.2',
    '100.100.100.200',
    '168.63.129.16',
    'fd00:ec2::254',
    'fd20:ce::254',
  ],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1'],
  'broadcast and reserved': ['255.255.255.255', '240.0.0.1', '192.0.0.192', '192.88.99.1'],
  documentation: ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1'],
  benchmarking: ['198.18.0.1', '198.19.255.255', '2001:2::1'],
  'special IPv6': ['100::1', '100:0:0:1::1', '2001:10::1', '2001:20::1', '5f00::1', '2001:1::1'],
  'IPv6 outside global unicast': ['1234::1', '4000::1', '8000::1', 'e000::1', '64:ff9b:2::808:808'],
  'IPv4-mapped': ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:a9fe:a9fe', '::ffff:10.0.0.1', '::ffff:0:0'],
  'IPv4-translated': ['::ffff:0:127.0.0.1', '::ffff:0:8.8.8.8'],
  'IPv4-compatible': ['::127.0.0.1', '::a9fe:a9fe', '::8.8.8.8'],
  NAT64: ['64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b::10.0.0.1'],
  'local NAT64': ['64:ff9b:1::169.254.169.254', '64:ff9b:1:a00:0:100::', '64:ff9b:1::8.8.8.8'],
  '6to4': ['2002:7f00:1::1', '2002:a9fe:a9fe::1', '2002:a00:1::1', '2002:808:808::1'],
  Teredo: ['2001::1', '2001:0:a00:1::1', '2001:0:4136:e378:8000:63bf:80ff:fffe'],
  ISATAP: ['2606:4700::5efe:10.0.0.1', '2606:4700::200:5efe:a9fe:a9fe'],
  'not an address as written': [
    '',
    'localhost',
    '127.1',
    '0177.0.0.1',
    '2130706433',
    '0x7f000001',
    '8.8.8.8/8',
  ],
};

const permitted = [
  '1.1.1.1',
  '8.8.8.8',
  '93.184.216.34',
  '100.63.255.255',
  '100.128.0.1',
  '172.15.255.255',
  '172.32.0.1',
  '169.253.255.255',
  '198.17.255.255',
  '223.255.255.255',
  '2606:4700:4700::1111',
  '2a00:1450:4001::200e',
  '2001:4860:4860::8888',
  '::ffff:8.8.8.8',
  '::ffff:808:808',
  '64:ff9b::8.8.8.8',
];

describe('the check of an address before the server connects to it', () => {
  for (const [kind, addresses] of Object.entries(forbidden)) {
    it.each(addresses)(`refuses ${kind}: %s`, (address) => expect(routable(address)).toBeUndefined());
  }

  it.each(permitted)('permits %s', (address) => expect(routable(address)).toBeDefined());

  it('names the address that packets end up at', () => {
    expect(routable('64:ff9b::808:808')).toBe('8.8.8.8');
    expect(routable('::ffff:808:808')).toBe('8.8.8.8');
  });
});

describe('the networks this machine is attached to', () => {
  const isAllowed = createAddressCheck({
    eth0: [{ cidr: '8.8.4.17/24' }, { cidr: '2600:1f14:1:2::17/64' }, { cidr: null }],
    gone: undefined,
  });

  it.each(['8.8.4.17', '8.8.4.200', '::ffff:8.8.4.1', '64:ff9b::8.8.4.1', '2600:1f14:1:2::99'])(
    'neighbour with a public address: %s',
    (address) => expect(isAllowed(address)).toBe(false),
  );

  it.each(['8.8.8.8', '2600:1f14:1:3::99'])('leave addresses outside them alone: %s', (address) =>
    expect(isAllowed(address)).toBe(true),
  );

  it('are found on the machine that runs this', () =>
    expect(createAddressCheck()('93.184.216.34')).toBe(true));
});
