// The two projections of the board, and who may see which.
//
// `shown` is what the public sees: while the board is frozen, the board as it stood then. `live` is what a
// scorer sees: the board as it is. While the board is not frozen they are the same.
#pragma once

#include "net/rpc/access.hpp"
#include "wire/proto/board.pb.h"

#include <cstdint>

namespace stadion::net {

struct http_request;

enum class board_view : std::uint8_t { shown, live };

// Who shows a scorer's token sees the live view unless he asks for the public one; everybody else, and
// everybody on a server without tokens, sees the public one unless he asks. Asking for the live view needs
// the role scorer (or server): UNAUTHENTICATED or PERMISSION_DENIED.
wire::result<board_view> choose_view(const access_policy& access, role_set have, v1::BoardView asked);

// The same by the parameter `view`, which is `live`, `public` or absent.
wire::result<board_view> choose_view(const access_policy& access, const http_request& request);

} // namespace stadion::net
