// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "config/config.h"
#include "config/internal/config_file.h"
#include "sys/files.h"

namespace reprise::config {

Standing load_standing(const sys::Environment& environment, const std::filesystem::path& kept) {
  Result<Config> now = load(environment);
  if (now) return {.config = *std::move(now), .mistake = {}};
  const auto text = text_of(kept);
  Result<Config> before =
      text && *text ? parse(file_of(environment), **text) : std::unexpected(now.error());
  const bool is_known = before.has_value();
  return {.config = is_known ? *std::move(before) : Config{},
          .mistake = std::move(now).error(),
          .is_known = is_known};
}

Result<void> keep(const sys::Environment& environment, const std::filesystem::path& kept) {
  const std::filesystem::path file = file_of(environment);
  const auto text = REPRISE_PASS(text_of(file));
  // Where there is no file the defaults count, which say the same as an empty one.
  if (text) REPRISE_PASS(parse(file, *text));
  const auto known = text_of(kept);
  const std::string wanted = text.value_or("");
  if (known && *known == wanted) return {};
  REPRISE_PASS(sys::make_directories(kept.parent_path()));
  return sys::replace_file(kept, wanted);
}

}  // namespace reprise::config
