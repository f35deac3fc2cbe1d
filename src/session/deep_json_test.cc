// SPDX-License-Identifier: Apache-2.0
//
// Who copies or prints a value that is nested deep recurses as deep: 6 MB of brackets in a record,
// a configuration or a program's output ended the process. Every reader of what a session works
// with refuses it.
#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>
#include <string_view>

#include "attributes/process_attributes.h"
#include "attributes/socket_options.h"
#include "attributes/unix_peers.h"
#include "container/affinity.h"
#include "container/joined_namespaces.h"
#include "container/refused_calls.h"
#include "container/volumes.h"
#include "host/continuation_note.h"
#include "host/message.h"
#include "host/request.h"
#include "network/connection_hold.h"
#include "network/neighbours.h"
#include "network/network.h"
#include "network/network_setup.h"
#include "network/sysctls.h"
#include "oci/annotations.h"
#include "oci/spec.h"
#include "oci/state.h"
#include "preflight/memory_limit.h"
#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::session {
namespace {

using namespace attributes;
using namespace container;
using namespace network;
using namespace preflight;

using base::ErrorCode;

std::string nested() { return std::string(3'000'000, '[') + std::string(3'000'000, ']'); }

// What a reader says of `text`: kInternal stands for output of programs.
template <typename Value>
ErrorCode answer_to(const base::Result<Value>& result) {
  EXPECT_FALSE(result);
  return result ? ErrorCode::kInvalidInput : result.error().code();
}

struct Reader {
  const char* name;
  std::string_view before;  // the brackets
  std::string_view behind;
  std::function<ErrorCode(const std::string&)> read;
  ErrorCode answer = ErrorCode::kCorrupt;
};

void PrintTo(const Reader& reader, std::ostream* out) { *out << reader.name; }

class DeepJson : public testing::TestWithParam<Reader> {};

TEST_P(DeepJson, IsRefused) {
  const Reader& reader = GetParam();
  const std::string text = std::string(reader.before) + nested() + std::string(reader.behind);
  EXPECT_EQ(reader.read(text), reader.answer);
}

INSTANTIATE_TEST_SUITE_P(
    All, DeepJson,
    testing::Values(
        Reader{"Affinity", R"({"threads":[)", "]}",
               [](const std::string& text) { return answer_to(decode_affinity(text)); }},
        Reader{"Attributes", R"({"attributes":[)", "]}",
               [](const std::string& text) { return answer_to(decode_attributes(text)); }},
        Reader{"Sockets", R"({"sockets":[{"pid":1,"fd":3,"options":[)", "]}]}",
               [](const std::string& text) { return answer_to(decode_sockets(text)); }},
        Reader{"Sysctls", R"({"net/a":)", "}",
               [](const std::string& text) { return answer_to(decode_sysctls(text)); }},
        Reader{"Connections", "[", "]",
               [](const std::string& text) { return answer_to(decode_connections(text)); }},
        Reader{"LostPeers", "[", "]",
               [](const std::string& text) { return answer_to(decode_lost_peers(text)); }},
        Reader{"Volumes", "[", "]",
               [](const std::string& text) { return answer_to(decode_volumes(text)); }},
        Reader{"Setup", R"({"links":)", "}",
               [](const std::string& text) { return answer_to(decode_setup(text)); }},
        Reader{"Change", R"({"added":{},"removed":)", "}",
               [](const std::string& text) { return answer_to(decode_change(text)); }},
        Reader{"Spec", R"({"process":)", "}",
               [](const std::string& text) { return answer_to(oci::parse_spec(text, "/b")); }},
        Reader{"MemoryLimit", R"({"linux":{"resources":{"memory":)", "}}}",
               [](const std::string& text) { return answer_to(parse_memory_limit(text)); }},
        Reader{
            "RefusedCalls", R"({"linux":{"seccomp":{}},"x":)", "}",
            [](const std::string& text) { return answer_to(refusing_what_cannot_be_saved(text)); }},
        Reader{"RuncState", R"({"init_process_pid":)", "}",
               [](const std::string& text) { return answer_to(oci::parse_state(text)); }},
        Reader{"PathsOfInit", R"({"config":{"namespaces":[]},"x":)", "}",
               [](const std::string& text) { return answer_to(with_paths_of_init(text, {}, 1)); }},
        Reader{"Addresses", R"([{"addr_info":[{"scope":)", "}]}]",
               [](const std::string& text) { return answer_to(parse_addresses(text)); },
               ErrorCode::kInternal},
        Reader{"HoldTables", R"({"nftables":)", "}",
               [](const std::string& text) { return answer_to(parse_hold_tables(text)); },
               ErrorCode::kInternal},
        Reader{"Held", R"({"nftables":)", "}",
               [](const std::string& text) { return answer_to(parse_held(text)); },
               ErrorCode::kInternal},
        Reader{"Request", R"({"verb":"checkpoint","session":)", "}",
               [](const std::string& text) { return answer_to(host::decode_worker_request(text)); },
               ErrorCode::kInternal},
        Reader{"Event", R"({"event":"phase","phase":)", "}",
               [](const std::string& text) { return answer_to(host::decode_worker_message(text)); },
               ErrorCode::kInternal},
        Reader{"Restored", R"({"restored":)", "}",
               [](const std::string& text) { return answer_to(host::decode_restored(text)); },
               ErrorCode::kInternal}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(DeepJsonFiles, AreRefusedByName) {
  const sys::TestDirectory bundle;
  ASSERT_TRUE(sys::replace_file(bundle / "config.json", R"({"process":)" + nested() + "}"));
  const auto spec = oci::load_spec(bundle.path());
  ASSERT_FALSE(spec);
  EXPECT_NE(spec.error().message().find((bundle / "config.json").string()), std::string::npos);
  EXPECT_FALSE(oci::annotate(bundle.path(), "a", "b"));
  ASSERT_TRUE(sys::replace_file(host::continuation_note_file(bundle.path()),
                                R"({"state":)" + std::string(20'000, '[') + "}"));
  EXPECT_EQ(answer_to(host::read_note(bundle.path())), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace reprise::session
