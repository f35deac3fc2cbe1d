// SPDX-License-Identifier: Apache-2.0
//
// Names of files are any bytes, JSON is UTF-8: a socket or volume with a name in Latin-1 ended the
// session by an exception, with the tasks standing still.
#include <gtest/gtest.h>

#include "attributes/process_attributes.h"
#include "attributes/socket_options.h"
#include "attributes/unix_peers.h"
#include "container/volumes.h"
#include "host/continuation_note.h"
#include "host/request.h"
#include "network/network_setup.h"
#include "network/sysctls.h"
#include "sys/test_directory.h"

namespace reprise::session {
namespace {

using namespace attributes;
using namespace container;
using namespace network;

const std::string kOdd = "/srv/caf\xe9/\xff";

TEST(OddBytes, AreKeptInNamesOfFiles) {
  const SocketRecord socket{.pid = 1,
                            .descriptor = 3,
                            .options = {},
                            .groups = {},
                            .file = UnixFile{.socket = 7, .bound = kOdd, .names = {kOdd, "/a"}}};
  EXPECT_EQ(decode_sockets(encode_sockets({socket})).value().at(0).file, socket.file);
  const auto peers = decode_lost_peers(encode_lost_peers({{.pid = 1, .path = kOdd}})).value();
  EXPECT_EQ(peers.at(0).path, kOdd);
  const auto volumes =
      decode_volumes(encode_volumes({{.name = "v", .destinations = {kOdd}, .part = "p"}})).value();
  EXPECT_EQ(volumes.at(0).destinations.at(0), kOdd);
  const host::WorkerRequest request{
      .session = {},
      .container = {},
      .key = {},
      .runtime_args = {"--root", kOdd},
      .what = host::RestoreRequest{
          .bundle = kOdd, .checkpoint = {}, .globals = {"--log", kOdd}, .options = {}}};
  const auto read = host::decode_worker_request(host::encode(request)).value();
  EXPECT_EQ(read.restore().bundle, kOdd);
  EXPECT_EQ(read.restore().globals.at(1), kOdd);
  EXPECT_EQ(read.runtime_args.at(1), kOdd);
  const sys::TestDirectory bundle;
  ASSERT_TRUE(host::write_note(bundle.path(), {.store = kOdd}));
  EXPECT_EQ(host::read_note(bundle.path()).value()->store, kOdd);
}

TEST(OddBytes, AreReplacedInWhatIsText) {
  NetworkSetup setup;
  setup.tables["inet t"] = "table inet t { comment \"caf\xe9\" }";
  setup.links["eth\xe9"] = {};
  EXPECT_TRUE(decode_setup(encode_setup(setup)));
  EXPECT_TRUE(decode_change(encode_change({.added = setup, .removed = {}})));
  EXPECT_FALSE(encode_sysctls({{"net/a", "\xe9"}}).empty());
  EXPECT_FALSE(encode_attributes({{.id = 1, .name = "nice", .value = "\xe9"}}).empty());
}

}  // namespace
}  // namespace reprise::session
