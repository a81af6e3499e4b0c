#include "net/rpc/access.hpp"

#include "wire/constant_time.hpp"

#include <fstream>
#include <sstream>

namespace stadion::net {
namespace {

constexpr role_set all_roles = (role::scorer | role::operator_) | roles(role::server);

struct role_name {
    role as;
    std::string_view name;
};
constexpr role_name role_names[] = {
    {role::scorer, "scorer"}, {role::operator_, "operator"}, {role::server, "server"}};

} // namespace

wire::result<access_policy> access_policy::from_file(const std::filesystem::path& path) {
    std::ifstream file(path);
    if (!file) return wire::make_error(wire::status::not_found, "cannot read token file " + path.string());
    std::stringstream text;
    text << file.rdbuf();
    return from_text(text.str(), path.string());
}

wire::result<access_policy> access_policy::from_text(std::string_view text, std::string_view origin) {
    access_policy policy;
    std::istringstream lines{std::string(text)};
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
        std::istringstream words(line);
        std::string name, token, rest;
        words >> name >> token >> rest;
        if (name.empty() || name.front() == '#') continue;
        const auto where = std::string(origin) + ":" + std::to_string(number) + ": ";
        const role_name* found = nullptr;
        for (const auto& known : role_names)
            if (known.name == name) found = &known;
        if (found == nullptr)
            return wire::make_error(wire::status::invalid_argument,
                                    where + "unknown role '" + name + "' (scorer, operator or server)");
        if (token.empty() || !rest.empty())
            return wire::make_error(wire::status::invalid_argument, where + "a line is `role token`");
        policy.tokens_.push_back({found->as, token});
    }
    if (policy.tokens_.empty())
        return wire::make_error(wire::status::invalid_argument, std::string(origin) + " holds no token");
    return policy;
}

wire::result<role_set> access_policy::authenticate(std::string_view token) const {
    if (is_open()) return all_roles;
    if (token.empty()) return anyone;
    role_set found = anyone;
    for (const auto& known : tokens_) // all of them, so that the duration is constant
        if (wire::equal_in_constant_time(known.token, token))
            found = static_cast<role_set>(found | roles(known.as));
    if (found == anyone)
        return wire::make_error(wire::status::unauthenticated, "the token is not known here");
    return found;
}

std::string access_policy::own_token(role as) const {
    for (const auto& known : tokens_)
        if (known.as == as) return known.token;
    return {};
}

wire::result<void> access_policy::check(role_set have, role_set need, std::string_view what) {
    if (need == anyone || (have & need) != 0) return {};
    std::string message(what);
    message += " needs the role ";
    bool first = true;
    for (const auto& known : role_names) {
        if ((need & roles(known.as)) == 0) continue;
        if (!first) message += " or ";
        message += known.name;
        first = false;
    }
    return wire::make_error(have == anyone ? wire::status::unauthenticated : wire::status::permission_denied,
                            message + "; show a token that has it");
}

wire::result<void> access_policy::check_bind(const boost::asio::ip::address& address) const {
    if (!is_open() || address.is_loopback()) return {};
    return wire::make_error(wire::status::failed_precondition,
                            "refusing to serve on " + address.to_string() +
                                " without --token-file: every role would be open to the network");
}

} // namespace stadion::net
