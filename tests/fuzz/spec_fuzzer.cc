// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer: the config.json of a bundle, whole or the part of it that describes a seccomp profile.
// What is changed in it can be read again.
#include "container/joined_namespaces.h"
#include "container/refused_calls.h"
#include "input.h"
#include "oci/annotations.h"
#include "oci/spec.h"
#include "preflight/memory_limit.h"
#include "vetting/grants.h"
#include "vetting/seccomp_profile.h"

namespace {

using namespace reprise;             // NOLINT(google-build-using-namespace): one file, one subject
using namespace reprise::container;  // NOLINT(google-build-using-namespace)
using namespace reprise::preflight;  // NOLINT(google-build-using-namespace)

void configuration(const std::string& text) {
  if (const auto spec = oci::parse_spec(text, "/bundle")) {
    (void)oci::parse_wishes(spec->annotations);
    (void)oci::external_mounts(*spec);
  }
  (void)parse_memory_limit(text);
  (void)vetting::parse_grants(text);
  if (const auto edited = refusing_what_cannot_be_saved(text))
    fuzz::require(refusing_what_cannot_be_saved(*edited).has_value(), "what was edited is read");
}

void profile(const std::string& text) {
  constexpr std::size_t kInstruction = 8;  // struct sock_filter
  const auto program = vetting::compile_profile(text);
  if (program)
    fuzz::require(program->size() % kInstruction == 0, "a program is a row of instructions");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text = fuzz::text_of(data, size);
  fuzz::way_of(text, 2) == 0 ? configuration(text) : profile(text);
  return 0;
}
