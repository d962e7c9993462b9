/** Which internet addresses a client's URL may lead to: globally routable unicast outside our own networks. */

import { BlockList, isIP } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';

type Interfaces = Readonly<Record<string, readonly Pick<NetworkInterfaceInfo, 'cidr'>[] | undefined>>;

/** All that IANA has given out for global unicast. Outside of it ipaddr.js calls the unassigned unicast. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');

/** Azure's host agent and metadata: the one such service with an address from public space. */
const azureHost = '168.63.129.16';

/** ISATAP puts an IPv4 address into the lower half of any prefix: ...:0:5efe:a.b.c.d (RFC 5214). */
const isIsatap = ({ parts }: ipaddr.IPv6): boolean =>
  parts[5] === 0x5efe && (parts[4] === 0 || parts[4] === 0x200);

/**
 * The address that packets end up at, as text, or undefined where that is not globally routable unicast.
 * IPv4-mapped addresses and the well-known NAT64 prefix are judged by the IPv4 address inside: IPv6-only
 * networks reach all of IPv4 by the latter. The other forms that embed one (6to4, Teredo, IPv4-compatible,
 * 64:ff9b:1::/48, ISATAP) are refused whatever they embed: no picture is served from there, and the last
 * but one has no fixed place for the address.
 */
export const routable = (address: string): string | undefined => {
  // ipaddr.js alone would also read '0177.1' and zone ids, which the socket may read otherwise, and takes
  // ::8.8.8.8, so written, for the mapped address; URL writes IPv6 in one way only.
  if (isIP(address) === 0 || address.includes('%')) return undefined;
  const parsed = ipaddr.parse(
    isIP(address) === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address,
  );
  const range = parsed.range();
  if (parsed instanceof ipaddr.IPv4) {
    const text = parsed.toString();
    return range === 'unicast' && text !== azureHost ? text : undefined;
  }
  if (range === 'ipv4Mapped' || (range === 'rfc6052' && parsed.parts[2] === 0)) {
    return routable(parsed.toByteArray().slice(12).join('.'));
  }
  const isGlobal = range === 'unicast' && parsed.match(globalUnicast) && !isIsatap(parsed);
  return isGlobal ? parsed.toString() : undefined;
};

/**
 * Whether an address may be connected to. The networks this machine is attached to are refused as well:
 * in clouds the neighbours, and the machine itself, often have globally routable IPv6 addresses.
 */
export const createAddressCheck = (
  interfaces: Interfaces = networkInterfaces(),
): ((address: string) => boolean) => {
  const ours = new BlockList();
  for (const { cidr } of Object.values(interfaces).flatMap((addresses) => addresses ?? [])) {
    const [network = '', length] = cidr?.split('/') ?? [];
    if (isIP(network) !== 0) ours.addSubnet(network, Number(length), isIP(network) === 6 ? 'ipv6' : 'ipv4');
  }
  return (address) => {
    const target = routable(address);
    return target !== undefined && !ours.check(target, isIP(target) === 6 ? 'ipv6' : 'ipv4');
  };
};
