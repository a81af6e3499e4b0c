// `stadion cat`: the debug client. Reads lines, sends what they say, prints what comes back.
#pragma once

#include "wire/result.hpp"

#include <string>

namespace stadion::tools {

struct cat_options {
    std::string address;
    std::string token;
    bool hex = false;
    bool time = false;
    int budget_ms = 10'000;
    int listen_port = -1; // accept and show instead of connecting
};

// The exit status: 0, or 1 when a line could not be carried out.
int run_cat(const cat_options& wanted);
int run_cat_listening(const cat_options& wanted);

std::string to_text(const wire::error& failure);

} // namespace stadion::tools
