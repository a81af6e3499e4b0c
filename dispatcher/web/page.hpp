// The web page at `/`: the medal table and the games, live. page.html lies beside this header and is built
// into the program.
#pragma once

#include <string_view>

namespace stadion::dispatcher {

std::string_view web_page();

} // namespace stadion::dispatcher
