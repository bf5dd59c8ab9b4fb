/** IPv4 subnets in CIDR notation, such as 172.30.250.0/24. */

import { BlockList } from "node:net";

/** The subnet's first address as a number, and how many addresses there are. */
function parsed(subnet: string): { first: number; size: number } {
  const [address, prefix] = subnet.split("/");
  const size = 2 ** (32 - Number(prefix));
  const number = address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
  return { first: number - (number % size), size };
}

const written = (address: number) => [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");

/** The address that comes so many after the subnet's first. */
export function nth(subnet: string, n: number): string {
  return written(parsed(subnet).first + n);
}

export function upperHalf(subnet: string): string {
  return `${nth(subnet, parsed(subnet).size / 2)}/${Number(subnet.split("/")[1]) + 1}`;
}

/** The same, written with the subnet's first address, as Docker demands it. */
export function canonical(subnet: string): string {
  return `${nth(subnet, 0)}/${subnet.split("/")[1]}`;
}

export function overlap(one: string, other: string): boolean {
  return contains(one, other.split("/")[0]) || contains(other, one.split("/")[0]);
}

export function contains(subnet: string, address: string): boolean {
  const list = new BlockList();
  const [first, prefix] = subnet.split("/");
  list.addSubnet(first, Number(prefix));
  return list.check(address);
}
