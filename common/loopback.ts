/** What can be reached from this machine only. */
import { BlockList, isIPv6 } from 'node:net'
import { urlOf } from './text.ts'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

/** Whether an address, as sockets have it, is one of loopback: also as IPv6 writes those of IPv4. */
export const isLoopbackAddress = (address: string): boolean =>
  loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')

/** Whether a server bound to `host` can be reached from this machine only. */
export const isLoopbackHost = (host: string): boolean => host === 'localhost' || isLoopbackAddress(host)

/** How a browser calls this machine. */
export const LOOPBACK_NAMES = ['127.0.0.1', 'localhost', '[::1]']

export const isLoopbackUrl = (url: string): boolean => LOOPBACK_NAMES.includes(urlOf(url)?.hostname ?? '')
