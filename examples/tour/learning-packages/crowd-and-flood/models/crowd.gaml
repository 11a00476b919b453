/**
 * People cross a square and walk around each other; players walk among them.
 *
 * The practice server of Crosstie (`crosstie practice gama`) does not read this file: it plays a crowd and a flood of its own
 * under whatever name it is given. This model shows what a package holds for a real GAMA with the extension for Unity.
 */
model crowd

global {
    /** One cycle is a second. */
    float step <- 1 #s;

    /** A place of 100 m by 100 m. */
    geometry shape <- square(100 #m);

    init {
        create person number: 60;
    }
}

/** Walks to a place of its own choice, then to another. */
species person skills: [moving] {
    point target <- any_location_in(world);

    reflex walk {
        do goto target: target speed: 1.4 #m / #s;
        if (location distance_to target < 1 #m) {
            target <- any_location_in(world);
        }
    }

    aspect default {
        draw circle(0.6 #m) color: #gold;
    }
}

/** What players see and do: one place each, told anew in every cycle. */
species unity_linker parent: abstract_unity_linker {
    string player_species <- string(unity_player);
    int min_num_players <- 0;
    int max_num_players <- 4;
    list<point> init_locations <- [{20, 20}, {80, 20}, {20, 80}, {80, 80}, {50, 20}, {50, 80}];
    unity_property of_people;

    init {
        unity_aspect body <- geometry_aspect(0.6 #m, #gold, precision);
        of_people <- geometry_properties("person", "", body, new_geometry_interaction(false, false, false, []), false);
        unity_properties <- [of_people];
    }

    reflex show_people when: has_player {
        do add_geometries_to_send(person, of_people);
    }
}

/** A player is a point that walks where the headset says. */
species unity_player parent: abstract_unity_player {
    float player_size <- 1.0;
    rgb color <- #dodgerblue;

    aspect default {
        draw circle(player_size) color: color;
    }
}

/** On the screen alone. */
experiment main type: gui {
    output {
        display place {
            species unity_player;
            species person;
        }
    }
}

/** With headsets. */
experiment vr_xp parent: main type: unity {
    string unity_linker_species <- string(unity_linker);

    action create_player(string id) {
        ask unity_linker {
            do create_player(id);
        }
    }

    action remove_player(string id) {
        ask unity_player where (each.name = id) {
            do die;
        }
    }
}
