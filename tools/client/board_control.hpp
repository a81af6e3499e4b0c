// What a scorer does to the board as a whole - freeze, thaw, undo - and what the public does not see
// meanwhile, as HTTP requests and as lines for a person. Pure; client.cpp asks.
#pragma once

#include "net/http/http_message.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace stadion::tools {

std::string freeze_body(bool frozen);            // of PUT /v1/state
std::string reversal_body(std::string_view why); // of POST /v1/events/{sequence}/reversal
std::string reversal_path(std::uint64_t sequence);

// The body of a good answer; of any other, what its problem says.
wire::result<std::string> body_of(const net::http_response& answer);

wire::result<std::vector<std::string>> state_lines(std::string_view body);
wire::result<std::vector<std::string>> difference_lines(std::string_view body);
wire::result<std::vector<std::string>> reversal_lines(std::string_view body);

} // namespace stadion::tools
