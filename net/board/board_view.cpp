#include "net/board/board_view.hpp"

#include "net/http/http_message.hpp"

namespace stadion::net {

wire::result<board_view> choose_view(const access_policy& access, role_set have, v1::BoardView asked) {
    const auto may_see_all = role::scorer | role::server;
    switch (asked) {
    case v1::VIEW_PUBLIC:
        return board_view::shown;
    case v1::VIEW_LIVE:
        if (auto permitted = access_policy::check(have, may_see_all, "the live view"); !permitted)
            return permitted.error();
        return board_view::live;
    default:
        // Where every role is open, a role says nothing about the caller.
        return !access.is_open() && (have & roles(role::scorer)) != 0 ? board_view::live : board_view::shown;
    }
}

wire::result<board_view> choose_view(const access_policy& access, const http_request& request) {
    const auto name = request.parameter("view").value_or("");
    auto asked = v1::VIEW_DEFAULT;
    if (name == "live")
        asked = v1::VIEW_LIVE;
    else if (name == "public")
        asked = v1::VIEW_PUBLIC;
    else if (!name.empty())
        return wire::make_error(wire::status::invalid_argument,
                                "view is live or public, not " + std::string(name));
    return choose_view(access, request.roles, asked);
}

} // namespace stadion::net
