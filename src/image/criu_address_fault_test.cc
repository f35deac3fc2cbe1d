// SPDX-License-Identifier: Apache-2.0
#include "image/criu_address_fault.h"

#include <gtest/gtest.h>

#include <string>

namespace reprise::image {
namespace {

using Why = CriuAddressFault::Why;

// Of CRIU 4.2.1.
constexpr std::string_view kTcp =
    "(00.222432)      1: inet: \tRestore: family AF_INET    type SOCK_STREAM    proto IPPROTO_TCP "
    "     port 35947 state TCP_LISTEN       src_addr 127.0.0.1\n";
constexpr std::string_view kUdp =
    "(00.222433)      7: inet: \tRestore: family AF_INET6   type SOCK_DGRAM     proto IPPROTO_UDP "
    "     port 53 state TCP_CLOSE        src_addr ::\n";
constexpr std::string_view kTaken =
    "(00.222454)      1: Error (criu/sk-inet.c:1059): inet: Can't bind inet socket (id 12): "
    "Address already in use\n";

std::string log_of(std::initializer_list<std::string_view> lines) {
  std::string log;
  for (const std::string_view line : lines) log += line;
  return log;
}

TEST(CriuAddressFaultTest, IsOfTheSocketThatTheTaskRestored) {
  const CriuAddressFault expected{
      .why = Why::kTaken, .address = "127.0.0.1", .protocol = "TCP", .port = 35947};
  EXPECT_EQ(find_address_fault(log_of({kTcp, kTaken})), expected);
  EXPECT_EQ(find_address_fault(log_of({kTcp, kUdp, kTaken})), expected) << "7 is another task";
}

TEST(CriuAddressFaultTest, OneThatNoInterfaceHas) {
  const auto fault = find_address_fault(log_of(
      {kUdp,
       "(00.143965)      7: Error (criu/sk-inet.c:1059): inet: Can't bind inet socket (id 12): "
       "Cannot assign requested address\n"}));
  EXPECT_EQ(fault, (CriuAddressFault{
                       .why = Why::kMissing, .address = "::", .protocol = "UDP", .port = 53}));
}

TEST(CriuAddressFaultTest, WhatListensAndWhatIsConnected) {
  for (const char* what : {"Can't listen on a socket", "Can't bind inet socket back",
                           "Can't connect inet socket back"})
    EXPECT_TRUE(find_address_fault(
        log_of({kTcp, "(00.2)      1: Error (x.c:1): inet: ", what, ": Address already in use\n"})))
        << what;
}

TEST(CriuAddressFaultTest, OtherErrorsAreNone) {
  EXPECT_FALSE(find_address_fault(""));
  EXPECT_FALSE(find_address_fault(log_of({kTcp, kUdp})));
  EXPECT_FALSE(find_address_fault(kTaken)) << "of what socket, nobody knows";
  EXPECT_FALSE(find_address_fault(log_of({kUdp, kTaken})));
  EXPECT_FALSE(find_address_fault(
      log_of({kTcp,
              "(00.2)      1: Error (x.c:1): inet: Can't bind inet socket (id 1): "
              "Permission denied\n"})));
  EXPECT_FALSE(find_address_fault(
      log_of({kTcp, "(00.2)      1: Error (x.c:1): unix: Can't bind: Address already in use\n"})));
  EXPECT_FALSE(find_address_fault(
      log_of({kTcp, "(00.2)      1: inet: Can't bind inet socket: Address already in use\n"})));
  EXPECT_FALSE(find_address_fault(log_of(
      {"(00.2)      1: inet: \tRestore: family AF_INET port 99999 src_addr 1.2.3.4\n", kTaken})));
}

}  // namespace
}  // namespace reprise::image
