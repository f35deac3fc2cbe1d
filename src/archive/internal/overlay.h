// SPDX-License-Identifier: Apache-2.0
//
// The attributes by which overlayfs marks files of an upper directory (Linux,
// Documentation/filesystems/overlayfs.rst).
#pragma once

#include <string_view>

namespace reprise::archive {

inline constexpr std::string_view kOverlayPrefix = "trusted.overlay.";
inline constexpr std::string_view kOpaque = "trusted.overlay.opaque";
inline constexpr std::string_view kRedirect = "trusted.overlay.redirect";
inline constexpr std::string_view kMetacopy = "trusted.overlay.metacopy";
inline constexpr std::string_view kYes = "y";

}  // namespace reprise::archive
