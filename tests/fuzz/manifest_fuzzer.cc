// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer: whatever the text of a manifest, decoding it ends with an answer, and what was
// accepted is encoded to something that is accepted and equal.
#include "image/digest.h"
#include "image/manifest.h"
#include "input.h"

namespace {

using namespace reprise;  // NOLINT(google-build-using-namespace): one file, one subject

constexpr std::string_view kChecksum = ",\n  \"checksum\": \"";

// Without this no change would come past the checksum.
std::string with_checksum(std::string text) {
  text.resize(std::min(text.size(), text.rfind(kChecksum)));
  const std::string checksum = image::digest_of(text);
  return text.append(kChecksum).append(checksum).append("\"\n}\n");
}

void check(const std::string& text) {
  const auto manifest = image::decode_manifest(text);
  if (!manifest) return;
  const std::string again = image::encode_manifest(*manifest);
  const auto decoded = image::decode_manifest(again);
  fuzz::require(decoded.has_value(), "a manifest that was read can be written and read");
  fuzz::require(*decoded == *manifest, "and is the same then");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = fuzz::text_of(data, size);
  check(text);
  check(with_checksum(text));
  return 0;
}
