// Runs in the kernel, at the interface of a net_af_xdp port with `xdp: share`: frames for the
// port's addresses go to its sockets, all else to the kernel, as if nothing stood there. The maps
// are filled by xdp_share.cc.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
// After the kernel's.
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ADDRESSES_MAX 1024
#define VLAN_ID 0x0fff
#define SOLICITATION 135

struct address4 {
  __u32 length;
  __u8 octets[4];
};
struct address6 {
  __u32 length;
  __u8 octets[16];
};

// DPDK's driver finds it by this name and puts its sockets there, by queue.
struct {
  __uint(type, BPF_MAP_TYPE_XSKMAP);
  __uint(max_entries, 64);
  __type(key, int);
  __type(value, int);
} xsks_map SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, ADDRESSES_MAX);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct address4);
  __type(value, __u8);
} addresses4 SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, ADDRESSES_MAX);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct address6);
  __type(value, __u8);
} addresses6 SEC(".maps");

// The port's VLAN; 0 = none.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} vlan SEC(".maps");

struct tag {
  __be16 id, type;
};

// RFC 826, for IPv4 over Ethernet.
struct arp {
  __u8 types[8], sender_mac[6], sender_ip[4], target_mac[6], target_ip[4];
};

static __always_inline int is_ours4(const void *octets) {
  struct address4 key = {.length = 32};
  __builtin_memcpy(key.octets, octets, sizeof key.octets);
  return bpf_map_lookup_elem(&addresses4, &key) != 0;
}

static __always_inline int is_ours6(const void *octets) {
  struct address6 key = {.length = 128};
  __builtin_memcpy(key.octets, octets, sizeof key.octets);
  return bpf_map_lookup_elem(&addresses6, &key) != 0;
}

// RFC 4861 7.2: a question for an address comes to a group.
static __always_inline int is_asked_for(const struct ipv6hdr *ip, const void *end) {
  const struct icmp6hdr *icmp = (const void *)(ip + 1);
  const void *target = icmp + 1;
  if (target + 16 > end || ip->nexthdr != IPPROTO_ICMPV6) return 0;
  return icmp->icmp6_type == SOLICITATION && is_ours6(target);
}

static __always_inline int is_ours(__be16 type, const void *l3, const void *end) {
  if (type == bpf_htons(ETH_P_IP)) {
    const struct iphdr *ip = l3;
    return (const void *)(ip + 1) <= end && is_ours4(&ip->daddr);
  }
  if (type == bpf_htons(ETH_P_ARP)) {
    const struct arp *arp = l3;
    return (const void *)(arp + 1) <= end && is_ours4(arp->target_ip);
  }
  if (type == bpf_htons(ETH_P_IPV6)) {
    const struct ipv6hdr *ip = l3;
    if ((const void *)(ip + 1) > end) return 0;
    return ip->daddr.s6_addr[0] == 0xff ? is_asked_for(ip, end) : is_ours6(&ip->daddr);
  }
  return 0;
}

SEC("xdp") int mayfly_share(struct xdp_md *frame) {
  const void *begin = (const void *)(long)frame->data, *end = (const void *)(long)frame->data_end;
  const struct ethhdr *ethernet = begin;
  const void *l3 = ethernet + 1;
  if (l3 > end) return XDP_PASS;
  __be16 type = ethernet->h_proto;
  __u32 id = 0, first = 0;
  if (type == bpf_htons(ETH_P_8021Q)) {
    const struct tag *tag = l3;
    l3 = tag + 1;
    if (l3 > end) return XDP_PASS;
    id = bpf_ntohs(tag->id) & VLAN_ID;
    type = tag->type;
  }
  const __u32 *wanted = bpf_map_lookup_elem(&vlan, &first);
  if (!wanted || *wanted != id || !is_ours(type, l3, end)) return XDP_PASS;
  return bpf_redirect_map(&xsks_map, frame->rx_queue_index, XDP_PASS);
}

char license_text[] SEC("license") = "Dual MIT/GPL";
