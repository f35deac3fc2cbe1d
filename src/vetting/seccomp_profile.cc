// SPDX-License-Identifier: Apache-2.0
#include "vetting/seccomp_profile.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "json/reader.h"
#include "sys/files.h"
#include "sys/unique_fd.h"
#include "vetting/rules.h"

namespace reprise::vetting {

using base::ErrorCode;
using base::fail;
using image::CriuSeccompFilter;
using nlohmann::json;

namespace {

constexpr std::size_t kInstruction = 8;  // struct sock_filter
constexpr std::size_t kMostInstructions = 4096;

struct Release {
  void operator()(void* filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

Result<std::uint32_t> action_of(const std::string& name, const json& number) {
  const auto with = [&](std::uint32_t fallback) {
    return number.is_number_unsigned() ? number.get<std::uint32_t>() & 0xFFFFU : fallback;
  };
  if (name == "SCMP_ACT_ALLOW") return SCMP_ACT_ALLOW;
  if (name == "SCMP_ACT_ERRNO") return SCMP_ACT_ERRNO(with(EPERM));
  if (name == "SCMP_ACT_KILL" || name == "SCMP_ACT_KILL_THREAD") return SCMP_ACT_KILL_THREAD;
  if (name == "SCMP_ACT_KILL_PROCESS") return SCMP_ACT_KILL_PROCESS;
  if (name == "SCMP_ACT_TRAP") return SCMP_ACT_TRAP;
  if (name == "SCMP_ACT_TRACE") return SCMP_ACT_TRACE(with(EPERM));
  if (name == "SCMP_ACT_LOG") return SCMP_ACT_LOG;
  return fail(ErrorCode::kUnsupported,
              "the container's seccomp profile has the action '" + name +
                  "', which a checkpoint that was made elsewhere cannot be given");
}

std::optional<scmp_compare> comparison(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, scmp_compare>, 7> kNames = {
      {{"SCMP_CMP_NE", SCMP_CMP_NE},
       {"SCMP_CMP_LT", SCMP_CMP_LT},
       {"SCMP_CMP_LE", SCMP_CMP_LE},
       {"SCMP_CMP_EQ", SCMP_CMP_EQ},
       {"SCMP_CMP_GE", SCMP_CMP_GE},
       {"SCMP_CMP_GT", SCMP_CMP_GT},
       {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ}}};
  for (const auto& [text, value] : kNames)
    if (text == name) return value;
  return std::nullopt;
}

std::unexpected<base::Error> not_added(int error, const std::string& what) {
  return base::fail_errno(-error, "adding " + what + " of the container's seccomp profile");
}

Result<std::vector<scmp_arg_cmp>> conditions_of(const json& rule) {
  std::vector<scmp_arg_cmp> conditions;
  if (!rule.contains("args") || rule.at("args").is_null()) return conditions;
  for (const json& one : rule.at("args")) {
    const auto index = one.at("index").get<unsigned>();
    const auto how = comparison(one.at("op").get_ref<const std::string&>());
    constexpr unsigned kArguments = 6;
    if (!how || index >= kArguments)
      return fail(ErrorCode::kCorrupt, "the container's seccomp profile has an unknown condition");
    conditions.push_back({.arg = index,
                          .op = *how,
                          .datum_a = one.at("value").get<std::uint64_t>(),
                          .datum_b = one.value("valueTwo", std::uint64_t{0})});
  }
  return conditions;
}

// As runc does it: several conditions for one argument are alternatives, else all must hold.
Result<void> add_call(void* filter, int call, std::uint32_t action,
                      const std::vector<scmp_arg_cmp>& conditions, const std::string& name) {
  std::set<unsigned> seen;
  bool alternatives = false;
  for (const scmp_arg_cmp& one : conditions) alternatives |= !seen.insert(one.arg).second;
  if (!alternatives) {
    const int error = ::seccomp_rule_add_array(
        filter, action, call, static_cast<unsigned>(conditions.size()), conditions.data());
    return error == 0 ? Result<void>() : not_added(error, "'" + name + "'");
  }
  for (const scmp_arg_cmp& one : conditions)
    if (const int error = ::seccomp_rule_add_array(filter, action, call, 1, &one); error != 0)
      return not_added(error, "'" + name + "'");
  return {};
}

Result<void> add_rules(void* filter, const json& rules, std::uint32_t fallback) {
  for (const json& rule : rules) {
    const std::uint32_t action = REPRISE_PASS(
        action_of(rule.at("action").get<std::string>(), rule.value("errnoRet", json())));
    if (action == fallback) continue;
    const auto conditions = REPRISE_PASS(conditions_of(rule));
    for (const json& name : rule.at("names")) {
      const auto& text = name.get_ref<const std::string&>();
      const int call = ::seccomp_syscall_resolve_name(text.c_str());
      // Unknown here: nobody can make that call, or the default action meets it.
      if (call == __NR_SCMP_ERROR) continue;
      REPRISE_PASS(add_call(filter, call, action, conditions, text));
    }
  }
  return {};
}

Result<void> add_architectures(void* filter, const json& list) {
  for (const json& item : list) {
    std::string name = item.get<std::string>();
    constexpr std::string_view kPrefix = "SCMP_ARCH_";
    if (name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
    for (char& letter : name) letter = static_cast<char>(std::tolower(letter));
    const std::uint32_t token = ::seccomp_arch_resolve_name(name.c_str());
    if (token == 0)
      return fail(ErrorCode::kUnsupported,
                  "the container's seccomp profile names the unknown architecture '" + name + "'");
    if (const int error = ::seccomp_arch_add(filter, token); error != 0 && error != -EEXIST)
      return not_added(error, "architecture '" + name + "'");
  }
  return {};
}

Result<std::string> program_of(void* filter) {
  const sys::UniqueFd memory(::memfd_create("reprise-seccomp", MFD_CLOEXEC));
  if (!memory.valid()) return base::fail_errno(errno, "making memory for a seccomp filter");
  if (const int error = ::seccomp_export_bpf(filter, memory.get()); error != 0)
    return base::fail_errno(-error, "compiling the container's seccomp profile");
  std::string program(kMostInstructions * kInstruction, '\0');
  const std::size_t size =
      REPRISE_PASS(sys::read_at(memory.get(), 0, std::as_writable_bytes(std::span(program))));
  program.resize(size);
  return program;
}

Result<std::string> compile(const json& profile) {
  const std::uint32_t fallback = REPRISE_PASS(action_of(
      profile.at("defaultAction").get<std::string>(), profile.value("defaultErrnoRet", json())));
  const Filter filter(::seccomp_init(fallback));
  if (!filter)
    return fail(ErrorCode::kUnsupported, "the container's seccomp profile has no default action");
  REPRISE_PASS(add_architectures(filter.get(), profile.value("architectures", json::array())));
  const json rules = profile.value("syscalls", json::array());
  constexpr std::size_t kFew = 8;
  constexpr std::uint32_t kBinaryTree = 2;
  if (rules.size() > kFew) ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, kBinaryTree);
  REPRISE_PASS(add_rules(filter.get(), rules, fallback));
  return program_of(filter.get());
}

}  // namespace

Result<std::string> compile_profile(std::string_view seccomp) {
  try {
    return compile(json_reader::parse(seccomp));
  } catch (const json::exception& error) {
    return fail(ErrorCode::kCorrupt,
                std::string("the container's seccomp profile cannot be read: ") + error.what());
  }
}

bool is_for_all_threads(const std::vector<CriuSeccompFilter>& filters, std::uint32_t index) {
  std::size_t steps = 0;
  for (std::optional<std::uint32_t> at = index; at; at = filters[*at].older)
    if (*at >= filters.size() || (filters[*at].flags & SECCOMP_FILTER_FLAG_TSYNC) == 0 ||
        ++steps > filters.size())
      return false;
  return true;
}

Result<std::vector<CriuSeccompFilter>> with_filter(std::vector<CriuSeccompFilter> filters,
                                                   const std::set<std::uint32_t>& used,
                                                   const std::string& program) {
  constexpr std::uint64_t kHarmless = 1U | 2U;  // all threads at once; log
  for (const CriuSeccompFilter& filter : filters) {
    if (filter.program.empty() || filter.program.size() % kInstruction != 0 ||
        filter.program.size() > kMostInstructions * kInstruction)
      return fail(ErrorCode::kCorrupt, "a seccomp filter of CRIU is damaged");
    if ((filter.flags & ~kHarmless) != 0)
      return more("a seccomp filter", "less protection from other programs");
  }
  for (const std::uint32_t index : used) {
    bool is_there = false;
    std::size_t steps = 0;
    for (std::optional<std::uint32_t> at = index; at; at = filters[*at].older) {
      if (*at >= filters.size() || ++steps > filters.size())
        return fail(ErrorCode::kCorrupt, "the seccomp filters of CRIU lead nowhere");
      is_there |= filters[*at].program == program;
    }
    if (is_there) continue;
    filters.push_back(filters[index]);
    const std::uint64_t for_all = filters[index].flags & SECCOMP_FILTER_FLAG_TSYNC;
    filters[index] = {.program = program,
                      .older = static_cast<std::uint32_t>(filters.size() - 1),
                      .flags = for_all};
  }
  return filters;
}

}  // namespace reprise::vetting
