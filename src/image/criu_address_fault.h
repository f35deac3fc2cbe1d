// SPDX-License-Identifier: Apache-2.0
//
// CRIU's log of a restore: the address that a socket could not have again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reprise::image {

struct CriuAddressFault {
  enum class Why : std::uint8_t {
    kTaken,    // another socket has it
    kMissing,  // no interface has it
  } why = Why::kTaken;
  std::string address;   // "127.0.0.1", "::"
  std::string protocol;  // "TCP", "UDP"
  std::uint16_t port = 0;
  bool operator==(const CriuAddressFault&) const = default;
};

// The first of them. nullopt if the restore failed for something else. Knows CRIU 4.1 to 4.2, at
// its log level 4, which is runc's.
std::optional<CriuAddressFault> find_address_fault(std::string_view log);

}  // namespace reprise::image
