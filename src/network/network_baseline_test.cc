// SPDX-License-Identifier: Apache-2.0
#include "network/network_baseline.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "sys/files.h"

namespace reprise::network {
namespace {

// Twice, it would have to be taken away twice.
TEST(NetworkBaseline, AnAdoptedAddressStandsInItOnce) {
  const std::filesystem::path file = testing::TempDir() + "baseline-" + std::to_string(::getpid());
  NetworkSetup now;
  now.addresses = {"10.88.0.2/16 brd 10.88.255.255 scope global dev eth0"};
  ASSERT_TRUE(note_baseline(file, now, {"10.88.0.7/16"}));
  NetworkSetup noted = decode_setup(sys::read_file(file).value()).value();
  ASSERT_EQ(noted.addresses.size(), 2U);
  // As a restore finds it that is tried again.
  ASSERT_TRUE(note_baseline(file, noted, {"10.88.0.7/16"}));
  EXPECT_EQ(decode_setup(sys::read_file(file).value())->addresses, noted.addresses);
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace reprise::network
