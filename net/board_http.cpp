#include "net/board_http.hpp"

#include "net/board_json_input.hpp"
#include "net/board_lists.hpp"
#include "net/http_session.hpp"
#include "wire/board_json.hpp"

#include <charconv>

namespace stadion::net {
namespace {

using namespace std::chrono_literals;
using exchange_ptr = std::shared_ptr<http_exchange>;

constexpr auto write_within = 10s;

wire::error invalid(std::string message) {
    return wire::make_error(wire::status::invalid_argument, std::move(message));
}

template <typename Integer>
wire::result<Integer> number(std::string_view text, const char* name) {
    Integer value{};
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size())
        return invalid(std::string(name) + " is not a number: " + std::string(text));
    return value;
}

std::string etag_of(std::uint32_t version) { return "\"" + std::to_string(version) + "\""; }

// Whether a list such as `"3", W/"4"` or `*` names the tag; weak and strong are the same here (RFC
// 9110, 8.8.3).
bool names_tag(std::string_view list, std::string_view tag) {
    return list == "*" || list.find(tag) != std::string_view::npos;
}

http_response state_response(const http_request& request, const wire::board& board,
                             const board_event_ptr& state) {
    http_response response;
    const auto tag = etag_of(state->version());
    response.headers.emplace_back("ETag", tag);
    response.headers.emplace_back("Stadion-Seen", std::to_string(board.sequence()));
    if (const auto known = request.header("if-none-match"); !known.empty() && names_tag(known, tag))
        response.status = 304;
    else
        response.body = state->state_json();
    return response;
}

// Answers from the board once it has what the caller has seen.
template <typename Answer>
void when_seen(board_set& boards, http_request&& request, const exchange_ptr& exchange, Answer answer) {
    auto& live = boards.of(exchange->home());
    const auto header = request.header("stadion-seen");
    if (header.empty()) return answer(request, live.board(), *exchange);
    const auto seen = number<std::uint64_t>(header, "Stadion-Seen");
    if (!seen) return exchange->fail(seen.error());
    if (*seen <= live.board().sequence()) return answer(request, live.board(), *exchange);
    live.when_reached(*seen, 2s,
                      [&live, seen = *seen, request = std::move(request), exchange, answer](bool reached) {
                          if (reached) return answer(request, live.board(), *exchange);
                          exchange->fail(not_reached(seen, live.board().sequence()));
                      });
}

void answer_game(const http_request& request, const wire::board& board, std::string_view game,
                 http_exchange& to) {
    const auto found = board.find_game(game);
    if (!found)
        return to.fail(wire::make_error(wire::status::not_found, "no such game: " + std::string(game)));
    to.respond(state_response(request, board, found));
}

void answer_team(const http_request& request, const wire::board& board, std::string_view team,
                 http_exchange& to) {
    const auto found = board.find_team(team);
    if (!found)
        return to.fail(wire::make_error(wire::status::not_found, "no such team: " + std::string(team)));
    to.respond(state_response(request, board, found));
}

void answer_games(const http_request& request, const wire::board& board, http_exchange& to) {
    std::uint32_t size = 0;
    if (const auto text = request.parameter("page_size")) {
        const auto parsed = number<std::uint32_t>(*text, "page_size");
        if (!parsed) return to.fail(parsed.error());
        size = *parsed;
    }
    std::optional<v1::Score::Status> status;
    if (const auto name = request.parameter("status")) {
        status = wire::parse_status(*name);
        if (!status) return to.fail(invalid("no such status: " + std::string(*name)));
    }
    auto page = page_of_games(board, status, request.parameter("page_token").value_or(""), size);
    if (!page) return to.fail(page.error());
    std::string body = "{\"games\":[";
    for (const auto& game : page->games) {
        if (body.back() != '[') body += ',';
        body += game->state_json();
    }
    body += "],\"next_page_token\":";
    wire::append_json_string(body, page->next_page_token);
    body += "}\n";
    auto response = json_response(std::move(body));
    response.headers.emplace_back("Stadion-Seen", std::to_string(board.sequence()));
    to.respond(std::move(response));
}

void answer_teams(const http_request&, const wire::board& board, http_exchange& to) {
    std::string body = "{\"teams\":[";
    for (const auto& [team, rank] : board.ranking()) {
        if (body.back() != '[') body += ',';
        auto tally = *team->tally();
        tally.set_rank(rank);
        wire::append_json(body, tally);
    }
    body += "]}\n";
    auto response = json_response(std::move(body));
    response.headers.emplace_back("Stadion-Seen", std::to_string(board.sequence()));
    to.respond(std::move(response));
}

// --- writes ---

wire::result<void> add_expectations(const http_request& request, v1::Mutation& mutation) {
    mutation.set_idempotency_key(std::string(request.header("idempotency-key")));
    if (request.header("if-none-match") == "*") mutation.set_expect_version(0);
    auto match = request.header("if-match");
    if (match.empty()) return {};
    if (match.starts_with("W/")) match.remove_prefix(2);
    if (match.size() >= 2 && match.front() == '"' && match.back() == '"')
        match = match.substr(1, match.size() - 2);
    const auto version = number<std::uint32_t>(match, "If-Match");
    if (!version) return version.error();
    mutation.set_expect_version(*version);
    return {};
}

http_response outcome_response(const v1::Outcome& outcome) {
    http_response response;
    std::uint32_t version = 0;
    if (outcome.has_score()) {
        version = outcome.score().version();
        wire::append_json(response.body, outcome.score());
    } else {
        version = outcome.tally().version();
        auto tally = outcome.tally();
        tally.clear_rank();
        wire::append_json(response.body, tally);
    }
    response.headers.emplace_back("ETag", etag_of(version));
    response.headers.emplace_back("Stadion-Seen", std::to_string(outcome.sequence()));
    return response;
}

void write(board_set& boards, board_writer& writer, const http_request& request, const exchange_ptr& exchange,
           v1::Mutation mutation) {
    if (auto fine = add_expectations(request, mutation); !fine) return exchange->fail(fine.error());
    auto& live = boards.of(exchange->home());
    writer.write(exchange->home(), std::move(mutation), write_within, [&live, exchange](v1::Outcome outcome) {
        if (auto done = to_result(outcome); !done) return exchange->fail(done.error());
        live.when_reached(outcome.sequence(), own_write_within,
                          [exchange, outcome](bool) { exchange->respond(outcome_response(outcome)); });
    });
}

void add_reads(http_router& http, board_set& boards) {
    // Answers about the one thing a query parameter names.
    const auto on_named = [&](const char* path, const char* parameter, auto answer) {
        http.on_exchange(http_method::get, path, anyone,
                         [&boards, parameter, answer](http_request&& request, const exchange_ptr& exchange) {
                             if (!request.parameter(parameter))
                                 return exchange->fail(
                                     invalid(std::string("the parameter ") + parameter + " is missing"));
                             when_seen(boards, std::move(request), exchange,
                                       [parameter, answer](const auto& asked, const auto& board, auto& to) {
                                           answer(asked, board, *asked.parameter(parameter), to);
                                       });
                         });
    };
    on_named("/query_score_by_game", "game", answer_game);
    on_named("/query_medal_tally_by_team", "team", answer_team);

    const auto on_path = [&](const char* path, auto answer) {
        http.on_exchange(http_method::get, path, anyone,
                         [&boards, answer](http_request&& request, const exchange_ptr& exchange) {
                             when_seen(boards, std::move(request), exchange, answer);
                         });
    };
    on_path("/v1/games", answer_games);
    on_path("/v1/teams", answer_teams);
    on_path("/v1/games/{game}", [](const auto& asked, const auto& board, auto& to) {
        answer_game(asked, board, asked.captures[0], to);
    });
    on_path("/v1/teams/{team}", [](const auto& asked, const auto& board, auto& to) {
        answer_team(asked, board, asked.captures[0], to);
    });
}

void add_writes(http_router& http, board_set& boards, board_writer& writer) {
    // `parse` makes the mutation of a request.
    const auto on_write = [&](http_method method, const char* path, auto parse) {
        http.on_exchange(method, path, roles(role::scorer),
                         [&boards, &writer, parse](http_request&& request, const exchange_ptr& exchange) {
                             v1::Mutation mutation;
                             if (auto parsed = parse(request, mutation); !parsed)
                                 return exchange->fail(parsed.error());
                             write(boards, writer, request, exchange, std::move(mutation));
                         });
    };
    on_write(http_method::post, "/update_score_by_game",
             [](const http_request& request, v1::Mutation& mutation) -> wire::result<void> {
                 auto update = parse_score_update(request.body, {});
                 if (!update) return update.error();
                 *mutation.mutable_update_score() = std::move(*update);
                 return {};
             });
    on_write(http_method::post, "/increment_medal_tally",
             [](const http_request& request, v1::Mutation& mutation) -> wire::result<void> {
                 auto increment = parse_medal_increment(request.body);
                 if (!increment) return increment.error();
                 *mutation.mutable_increment_medal() = std::move(*increment);
                 return {};
             });
    on_write(http_method::put, "/v1/games/{game}",
             [](const http_request& request, v1::Mutation& mutation) -> wire::result<void> {
                 auto update = parse_score_update(request.body, request.captures[0]);
                 if (!update) return update.error();
                 *mutation.mutable_replace_score() = std::move(*update);
                 return {};
             });
    on_write(http_method::post, "/v1/events/{sequence}/reversal",
             [](const http_request& request, v1::Mutation& mutation) -> wire::result<void> {
                 const auto sequence = number<std::uint64_t>(request.captures[0], "the sequence");
                 if (!sequence) return sequence.error();
                 auto reason = parse_reason(request.body);
                 if (!reason) return reason.error();
                 mutation.mutable_reversal()->set_sequence(*sequence);
                 mutation.mutable_reversal()->set_reason(*reason);
                 return {};
             });
    on_write(http_method::put, "/v1/teams/{team}",
             [](const http_request& request, v1::Mutation& mutation) -> wire::result<void> {
                 auto tally = parse_tally(request.body, request.captures[0]);
                 if (!tally) return tally.error();
                 *mutation.mutable_replace_tally() = std::move(*tally);
                 return {};
             });
}

} // namespace

void add_board_http(server& to, board_set& boards, board_writer& writer) {
    add_reads(to.http(), boards);
    add_writes(to.http(), boards, writer);
}

} // namespace stadion::net
