#!/usr/bin/perl
# Rows of a table by Mojolicious, with one database connection in each worker.
use Mojolicious::Lite -signatures;
use DBI;
use List::Util qw(sample);
use Mojo::URL;

my @ADDED   = (0, 'This notice was added for you');
my $IDS     = 1000;
my $VALUES  = 10_000;
my $SEVERAL = 10;

helper db => sub ($c) {
    state $db = do {    # at a worker's first statement, so that each has its own
        my $url  = Mojo::URL->new($ENV{DATABASE_URL});
        my $name = substr $url->path, 1;
        DBI->connect(
            sprintf('dbi:Pg:dbname=%s;host=%s;port=%d', $name, $url->host, $url->port // 5432),
            $url->username, $url->password, {AutoCommit => 1, RaiseError => 1, PrintError => 0},
        );
    };
};

# The row of an id; nothing if there is none
helper reading => sub ($c, $id) {
    my $read = $c->db->prepare_cached('SELECT id, value FROM reading WHERE id = ?');
    my ($row) = $c->db->selectall_array($read, {}, $id) or return;
    return {id => 0 + $row->[0], value => 0 + $row->[1]};
};

get '/json'      => {json => {message => 'All is well.'}};
get '/plaintext' => {text => 'All is well.', format => 'txt'};

get '/row' => sub ($c) {
    my $row = $c->reading($c->param('id'));
    return $c->render(json => $row) if $row;
    $c->render(json => {error => 'There is no such row.'}, status => 404);
};

get '/rows' => sub ($c) {
    $c->render(json => [map { $c->reading($_) } sample $SEVERAL, 1 .. $IDS]);
};

get '/page' => sub ($c) {
    my $all     = $c->db->prepare_cached('SELECT id, text FROM notice');
    my @notices = sort { $a->[1] cmp $b->[1] } \@ADDED, $c->db->selectall_array($all);
    $c->render('page', notices => \@notices);
};

post '/updates' => sub ($c) {
    my $change = $c->db->prepare_cached('UPDATE reading SET value = ? WHERE id = ?');
    my @rows   = map { $c->reading($_) } @{$c->req->json('/ids')};
    for my $row (@rows) {
        $row->{value} = 1 + int rand $VALUES;
        $change->execute($row->{value}, $row->{id});
    }
    $c->render(json => \@rows);
};

app->start;

__DATA__
@@ page.html.ep
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Notices</title></head>
<body>
<table>
<thead><tr><th>number</th><th>notice</th></tr></thead>
<tbody>
% for my $notice (@$notices) {
<tr><td><%= $notice->[0] %></td><td><%= $notice->[1] %></td></tr>
% }
</tbody>
</table>
</body>
</html>
